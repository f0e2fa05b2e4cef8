#include "fleet/recent.h"

#include <algorithm>

namespace espalier::fleet {

// 0 to 3 ms have a step each; from there on there are four to an octave.
std::size_t Durations::step_of(base::Milliseconds took) {
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
    if (ms < 4) return static_cast<std::size_t>(ms);
    const auto octave = static_cast<std::size_t>(std::bit_width(ms)) - 3;
    const auto quarter = static_cast<std::size_t>(ms >> octave) & 3U;
    return std::min(4 * (octave + 1) + quarter, kSteps - 1);
}

base::Milliseconds Durations::middle_of(std::size_t step) {
    if (step < 4) return base::Milliseconds{step};
    const auto octave = step / 4 - 1;
    const auto lowest = (4 + step % 4) << octave;
    return base::Milliseconds{lowest + (std::size_t{1} << octave) / 2};
}

void Durations::add(std::int64_t minute, base::Milliseconds took) {
    ++minutes_.at(minute)[step_of(took)];
}

base::Milliseconds Durations::quantile(const Histogram& sum, std::uint64_t nth) {
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < kSteps; ++step) {
        seen += sum[step];
        if (seen >= nth) return middle_of(step);
    }
    return base::Milliseconds{0};
}

Quantiles Durations::quantiles(std::int64_t minute) const {
    Histogram sum{};
    std::uint64_t count = 0;
    minutes_.each(minute, kMinutes, [&](const Histogram& one) {
        for (std::size_t step = 0; step < kSteps; ++step) {
            sum[step] += one[step];
            count += one[step];
        }
    });
    if (count == 0) return {};
    return {.count = count,
            .p50 = quantile(sum, (count + 1) / 2),
            .p95 = quantile(sum, (count * 95 + 99) / 100)};
}

void Recent::count(std::int64_t minute, bool success) {
    Tally& tally = tallies_.at(minute);
    ++(success ? tally.success : tally.failure);
}

RecentFigures Recent::figures(std::int64_t minute) const {
    const auto sum_of = [&](std::int64_t minutes) {
        Tally sum;
        tallies_.each(minute, minutes, [&](const Tally& one) {
            sum.success += one.success;
            sum.failure += one.failure;
        });
        return sum;
    };
    return {.lookups = lookups_.quantiles(minute),
            .uploads = uploads_.quantiles(minute),
            .last_5_minutes = sum_of(5),
            .last_hour = sum_of(60)};
}

}  // namespace espalier::fleet
