// The Pace of an Upload is how far each of its legs is, so that the worker knows whether it may
// read on.
//
// Threads: written by the mover, read by the worker.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

namespace espalier::fanout {

struct Pace {
    static constexpr auto kWantsNoMore = std::numeric_limits<std::uint64_t>::max();
    static constexpr auto kGone = kWantsNoMore - 1;

    explicit Pace(std::size_t legs) : offsets(legs) {}

    // The offset of the k-th fastest live leg; kWantsNoMore for k = 0, and when fewer than k are
    // left.
    std::uint64_t kth_fastest(std::size_t k) const {
        std::vector<std::uint64_t> live;
        for (const auto& offset : offsets)
            if (const auto value = offset.load(); value != kGone) live.push_back(value);
        if (k == 0 || live.size() < k) return kWantsNoMore;
        std::ranges::nth_element(live, live.begin() + static_cast<std::ptrdiff_t>(k - 1),
                                 std::greater{});
        return live[k - 1];
    }

    // The offsets of the slowest and the fastest leg that still want bytes; nothing when none
    // does.
    struct Range {
        std::uint64_t slowest, fastest;
    };
    std::optional<Range> range() const {
        std::optional<Range> range;
        for (const auto& offset : offsets) {
            const auto value = offset.load();
            if (value >= kGone) continue;
            if (!range) range = Range{value, value};
            range = Range{std::min(range->slowest, value), std::max(range->fastest, value)};
        }
        return range;
    }

    std::vector<std::atomic<std::uint64_t>> offsets;
    std::atomic<bool> worker_waits{false};
};

}  // namespace espalier::fanout
