// The Keeper starts named chores at intervals; it never waits for a network itself: a chore
// hands its waiting to somebody else and returns at once.
//
// Threads: one of its own, from start() to stop(); chores run there, one after the other.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/bell.h"
#include "base/clock.h"

namespace espalier::base {

class Keeper {
public:
    using Chore = std::function<void()>;

    // Requires: before start(). The first run is one interval after start().
    void every(Milliseconds interval, std::string name, Chore chore);
    void start();
    // Returns when the chore under way has returned. Harmless when repeated.
    void stop();
    ~Keeper() { stop(); }

private:
    struct Entry {
        Milliseconds interval;
        std::string name;
        Chore chore;
        Steady::time_point next;
    };
    void run(const std::stop_token& stopping);

    std::vector<Entry> chores_;  // constant after start(), but for `next` (keeper thread)
    Bell wake_;
    std::jthread thread_;
};

}  // namespace espalier::base
