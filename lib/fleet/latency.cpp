#include "fleet/latency.h"

#include <numeric>

namespace espalier::fleet {

std::uint64_t LatencyCounts::count() const {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

LatencyCounts LatencyCounts::since(const LatencyCounts& before) const {
    // Less is there when one of those that are summed up has left.
    const auto less = [](std::uint64_t a, std::uint64_t b) { return a < b ? 0 : a - b; };
    LatencyCounts difference{.sum_ms = less(sum_ms, before.sum_ms)};
    for (std::size_t i = 0; i < counts.size(); ++i)
        difference.counts[i] = less(counts[i], before.counts[i]);
    return difference;
}

LatencyCounts& LatencyCounts::operator+=(const LatencyCounts& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum_ms += other.sum_ms;
    return *this;
}

std::optional<double> LatencyCounts::quantile(double q) const {
    const auto wanted = q * static_cast<double>(count());
    if (wanted <= 0) return std::nullopt;
    double below = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const auto here = static_cast<double>(counts[i]);
        if (below + here < wanted) {
            below += here;
            continue;
        }
        const auto low = i == 0 ? 0.0 : static_cast<double>(kLatencySteps[i - 1]);
        // What is beyond the last bound is at least that long.
        if (i == kLatencySteps.size()) return low;
        return low + (static_cast<double>(kLatencySteps[i]) - low) * (wanted - below) / here;
    }
    return static_cast<double>(kLatencySteps.back());
}

LatencyCounts Latency::counts() const {
    LatencyCounts now{.sum_ms = sum_ms_.load(std::memory_order_relaxed)};
    for (std::size_t i = 0; i < counts_.size(); ++i)
        now.counts[i] = counts_[i].load(std::memory_order_relaxed);
    return now;
}

}  // namespace espalier::fleet
