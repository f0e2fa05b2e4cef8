// Which optional endpoints an upstream has, and how we know.
//
// Pure values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "fleet/upstream.h"

namespace espalier::fleet {

enum class Endpoint : std::uint8_t { upload_head, mirror, media, list };
inline constexpr std::array kEndpoints{Endpoint::upload_head, Endpoint::mirror, Endpoint::media,
                                       Endpoint::list};
constexpr std::string_view name_of(Endpoint endpoint) {
    constexpr std::array<std::string_view, kEndpoints.size()> kNames{"upload_head", "mirror",
                                                                     "media", "list"};
    return kNames[static_cast<std::size_t>(endpoint)];
}

// What a probe found out.
struct Finding {
    Capability offered = Capability::unknown;
    bool needs_token = false;  // it answers those only who show one

    friend bool operator==(const Finding&, const Finding&) = default;
};

struct Offering : Finding {
    bool configured = false;     // the operator says so: obeyed, and never probed
    std::int64_t probed_at = 0;  // unix seconds, 0 never
};
using Offerings = std::array<Offering, kEndpoints.size()>;  // by Endpoint

// What the operator says of an upstream, before anybody has asked it.
constexpr Offerings stated_offerings(Capability upload_head, Capability mirror) {
    Offerings all;
    const auto state = [&](Endpoint endpoint, Capability capability) {
        auto& one = all[static_cast<std::size_t>(endpoint)];
        one.offered = capability;
        one.configured = capability != Capability::unknown;
    };
    state(Endpoint::upload_head, upload_head);
    state(Endpoint::mirror, mirror);
    return all;
}

// What is known when the operator's word has changed: it goes before what was found out, and what
// was only stated before is unknown again.
constexpr Offerings restated(const Offerings& known, const Offerings& stated) {
    Offerings all = stated;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!stated[i].configured && !known[i].configured) all[i] = known[i];
    return all;
}

}  // namespace espalier::fleet
