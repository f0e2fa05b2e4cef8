// A Latency counts how long exchanges took since the process began, in steps fit for Prometheus
// and for telling what happened between two readings.
//
// Threads: any, without locks.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace espalier::fleet {

// Upper bounds of the steps, in milliseconds; one more step has no bound.
inline constexpr std::array<std::int64_t, 14> kLatencySteps{
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000};

struct LatencyCounts {
    std::array<std::uint64_t, kLatencySteps.size() + 1> counts{};  // by step, not cumulative
    std::uint64_t sum_ms = 0;

    std::uint64_t count() const;
    // What has been added since `before`, an earlier reading.
    LatencyCounts since(const LatencyCounts& before) const;
    LatencyCounts& operator+=(const LatencyCounts& other);
    // In milliseconds, by interpolation within a step; nothing when nothing was counted. 0 < q < 1.
    std::optional<double> quantile(double q) const;
};

class Latency {
public:
    void add(base::Milliseconds took) {
        const auto step = std::ranges::lower_bound(kLatencySteps, took.count());
        const auto index = static_cast<std::size_t>(step - kLatencySteps.begin());
        counts_[index].fetch_add(1, std::memory_order_relaxed);
        sum_ms_.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)),
                          std::memory_order_relaxed);
    }
    LatencyCounts counts() const;

private:
    std::array<std::atomic<std::uint64_t>, kLatencySteps.size() + 1> counts_{};
    std::atomic<std::uint64_t> sum_ms_{0};
};

}  // namespace espalier::fleet
