// Lanes hold back exchanges with a host that has as many under way as it may have; bodies
// have a lane of their own, so that uploads do not keep small questions waiting.
//
// Limits: kWaitingMax wait in a lane.
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
    static constexpr std::size_t kWaitingMax = 1024;
    enum class Entry : std::uint8_t {
        begins,  // and is counted until leave()
        waits,
        refused,  // too many wait already
    };
    Entry enter(const std::shared_ptr<Exchange>& exchange);
    // It waits no longer.
    void give_up(const Exchange& exchange);
    // One that had begun is over: who may begin in its place, already counted, or null.
    std::shared_ptr<Exchange> leave(const Exchange& exchange);
    std::vector<std::shared_ptr<Exchange>> all_waiting() const;

private:
    struct Lane {
        std::size_t under_way = 0;
        std::deque<std::shared_ptr<Exchange>> waiting;
    };
    std::unordered_map<std::string, Lane> lanes_;  // those in use
};

}  // namespace espalier::engine
