// Recent is how one upstream has done lately: how long its answers took over the last five
// minutes, and how many of its exchanges went well over five minutes and over an hour.
//
// Time is told in whole minutes, and a window ends with the minute under way. The memory is fixed,
// about 5 KiB: a slot per minute, a histogram of 84 steps in each, every step a quarter of an
// octave wide, so that a quantile is told to within an eighth.
//
// Threads: its owner guards it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace espalier::fleet {

struct Tally {
    std::uint64_t success = 0;
    std::uint64_t failure = 0;

    // Nothing when nothing happened.
    std::optional<double> ratio() const {
        const auto all = success + failure;
        if (all == 0) return std::nullopt;
        return static_cast<double>(success) / static_cast<double>(all);
    }
};

// Of durations; zeros when there were none.
struct Quantiles {
    std::uint64_t count = 0;
    base::Milliseconds p50{0}, p95{0};
};

// A T for each of the last `kMinutes` minutes.
template <class T, std::size_t kMinutes>
class MinuteRing {
public:
    // The one of `minute`, fresh when the minute has just begun.
    T& at(std::int64_t minute) {
        auto& slot = slots_[static_cast<std::size_t>(minute) % kMinutes];
        if (slot.minute != minute) slot = {.minute = minute};
        return slot.value;
    }
    // Uses those of the `minutes` minutes that end with `now`.
    template <class Use>
    void each(std::int64_t now, std::int64_t minutes, Use&& use) const {
        for (const auto& slot : slots_)
            if (slot.minute > now - minutes && slot.minute <= now) use(slot.value);
    }

private:
    struct Slot {
        std::int64_t minute = -1'000'000;
        T value{};
    };
    std::array<Slot, kMinutes> slots_{};
};

// Durations of the last five minutes.
class Durations {
public:
    void add(std::int64_t minute, base::Milliseconds took);
    Quantiles quantiles(std::int64_t minute) const;

private:
    static constexpr std::size_t kSteps = 84;  // up to 70 minutes
    using Histogram = std::array<std::uint32_t, kSteps>;
    static std::size_t step_of(base::Milliseconds took);
    static base::Milliseconds middle_of(std::size_t step);
    static base::Milliseconds quantile(const Histogram& sum, std::uint64_t nth);

    static constexpr std::int64_t kMinutes = 5;
    MinuteRing<Histogram, kMinutes> minutes_;
};

// What a Recent says, as a value.
struct RecentFigures {
    Quantiles lookups;  // HEADs of blobs, probes among them
    Quantiles uploads;  // from an upload's beginning to the upstream's answer
    Tally last_5_minutes, last_hour;
};

class Recent {
public:
    void count(std::int64_t minute, bool success);
    void add_lookup(std::int64_t minute, base::Milliseconds took) { lookups_.add(minute, took); }
    void add_upload(std::int64_t minute, base::Milliseconds took) { uploads_.add(minute, took); }
    Quantiles lookups(std::int64_t minute) const { return lookups_.quantiles(minute); }
    RecentFigures figures(std::int64_t minute) const;

private:
    Durations lookups_, uploads_;
    MinuteRing<Tally, 60> tallies_;
};

}  // namespace espalier::fleet
