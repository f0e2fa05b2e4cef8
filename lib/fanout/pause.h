// How long to wait before something is tried again.
//
// Pure functions; the dice are any random number.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace espalier::fanout {

// Within a fifth of `pause`, so that what began together does not stay together.
inline base::Milliseconds jittered(base::Milliseconds pause, std::uint64_t dice) {
    const auto fifth = pause.count() / 5;
    const auto width = static_cast<std::uint64_t>(2 * fifth + 1);
    return pause - base::Milliseconds{fifth} +
           base::Milliseconds{static_cast<std::int64_t>(dice % width)};
}

// `first` after one failure, twice as long after each further one, never longer than `most`.
inline base::Milliseconds backed_off(base::Milliseconds first, base::Milliseconds most,
                                     std::uint32_t failures) {
    constexpr std::uint32_t kDoublingsMax = 20;
    const auto doublings = std::min(failures > 0 ? failures - 1 : 0, kDoublingsMax);
    return std::min(first * (std::int64_t{1} << doublings), most);
}

}  // namespace espalier::fanout
