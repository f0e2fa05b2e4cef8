// A ManualClock stands still until a test moves it.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace espalier::test {

class ManualClock : public base::Clock {
public:
    // Unix time at the start, in seconds.
    explicit ManualClock(std::int64_t unix_start = 1'750'000'000) : unix_start_(unix_start) {}

    base::Steady::time_point now() const override {
        return base::Steady::time_point(base::Seconds(1'000'000) + moved());
    }
    std::int64_t unix_now() const override {
        return unix_start_ + std::chrono::floor<base::Seconds>(moved()).count();
    }
    void advance(base::Milliseconds by) { moved_ms_.fetch_add(by.count()); }

private:
    base::Milliseconds moved() const { return base::Milliseconds(moved_ms_.load()); }

    const std::int64_t unix_start_;
    std::atomic<std::int64_t> moved_ms_{0};
};

}  // namespace espalier::test
