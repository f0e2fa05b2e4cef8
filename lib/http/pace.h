// A Pace tells whether a client that we wait for moves enough bytes.
//
// Only time spent waiting for the client counts, so that our own slowness is never blamed
// on it. A window over which it was too slow ends its patience.
//
// Pure; time is passed in.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace espalier::http {

class Pace {
public:
    // At least `rate` bytes a second over every window of `over`; 0 = any pace will do.
    Pace(std::uint64_t rate, base::Milliseconds over) : rate_(rate), over_(over) {}

    // How long to wait at most before waited() is told.
    base::Deadline patience(base::Steady::time_point now) const {
        if (rate_ == 0) return base::Deadline::never();
        return base::Deadline::at(now + (over_ - waited_));
    }
    void moved(std::uint64_t bytes) { moved_ += bytes; }
    // false: the client is too slow.
    bool waited(base::Steady::duration time) {
        waited_ += time;
        if (rate_ == 0 || waited_ < over_) return true;
        const auto seconds = std::chrono::duration<double>(waited_).count();
        const bool fast_enough =
            static_cast<double>(moved_) >= static_cast<double>(rate_) * seconds;
        waited_ = {};
        moved_ = 0;
        return fast_enough;
    }

private:
    const std::uint64_t rate_;
    const base::Steady::duration over_;
    base::Steady::duration waited_{};
    std::uint64_t moved_ = 0;
};

}  // namespace espalier::http
