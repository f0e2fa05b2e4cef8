// A Pace slows its thread down to a number of bytes a second; 0 = not at all.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

#include "base/clock.h"

namespace espalier::store {

class Pace {
public:
    explicit Pace(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

    // The most to take at once, at most `wanted`: about a tenth of a second's worth.
    std::size_t portion(std::size_t wanted) const {
        if (rate_ == 0) return wanted;
        return std::min<std::uint64_t>(wanted, std::max<std::uint64_t>(rate_ / 10, 1));
    }
    // Waits until `bytes` more are due.
    void spend(std::uint64_t bytes) {
        if (rate_ == 0) return;
        const std::chrono::duration<double> needed(static_cast<double>(bytes) /
                                                   static_cast<double>(rate_));
        due_ += std::chrono::duration_cast<base::Steady::duration>(needed);
        std::this_thread::sleep_until(due_);
    }

private:
    const std::uint64_t rate_;
    base::Steady::time_point due_ = base::Steady::now();
};

}  // namespace espalier::store
