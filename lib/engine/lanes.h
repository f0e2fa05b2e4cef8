// Lanes hold back exchanges with a host that has as many under way as it may have; bodies
// have a lane of their own, so that uploads do not keep small questions waiting.
//
// Threads: one.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/exchange.h"

namespace espalier::engine {

class Lanes {
public:
    // True: it may begin, and is counted until leave(); false: it waits.
    bool enter(const std::shared_ptr<Exchange>& exchange);
    // One that had begun is over: who may begin in its place, already counted, or null.
    std::shared_ptr<Exchange> leave(const Exchange& exchange);
    // Everybody who waits, taken out.
    std::vector<std::shared_ptr<Exchange>> take_waiting();

private:
    struct Lane {
        std::size_t under_way = 0;
        std::deque<std::shared_ptr<Exchange>> waiting;  // those that are over are passed over
    };
    std::unordered_map<std::string, Lane> lanes_;  // those in use
};

}  // namespace espalier::engine
