// Changes lets threads wait until others have changed something, without sleeping.
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.h"

namespace espalier::test {

// How long tests wait for what must happen; generous, for sanitizers on a busy machine.
inline constexpr base::Milliseconds kPatience{30'000};

class Changes {
public:
    // Something has changed: everybody looks again.
    void announce();
    // Waits until `holds()`; false when `patience` ran out first. It is asked, without any
    // lock held, after each announcement and now and then besides, so that it may also
    // depend on things that are not announced here.
    bool wait_for(const std::function<bool()>& holds, base::Milliseconds patience = kPatience);

private:
    std::uint64_t version();
    void wait_past(std::uint64_t version, base::Deadline deadline);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t version_ = 0;  // guarded by mutex_
};

}  // namespace espalier::test
