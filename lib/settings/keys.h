// The tables of everything the file may say: `server:`, each of `upstream_servers:`, and the
// names that are known but not built yet.
//
// A new choice is a member in settings.h and a line in one of these tables; parsing, checks,
// hints and the reference follow from it.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "settings/key.h"
#include "settings/settings.h"

namespace espalier::settings {

inline constexpr std::string_view kServerKey = "server";
inline constexpr std::string_view kUpstreamsKey = "upstream_servers";

std::vector<Section<Settings>> server_sections();
std::vector<Section<UpstreamSettings>> upstream_sections();

template <class Owner>
std::vector<Section<Owner>> sections_of();
template <>
inline std::vector<Section<Settings>> sections_of() {
    return server_sections();
}
template <>
inline std::vector<Section<UpstreamSettings>> sections_of() {
    return upstream_sections();
}

// All keys of an owner, without their headings.
template <class Owner>
std::vector<Key<Owner>> keys_of() {
    std::vector<Key<Owner>> out;
    for (auto& section : sections_of<Owner>()) {
        std::ranges::move(section.keys, std::back_inserter(out));
    }
    return out;
}

// Names that later versions will accept; a name covers everything below it ("cache" covers
// "cache.dir"). An accepted key must change something, so these are refused by name.
std::vector<std::string_view> later_server_keys();
std::vector<std::string_view> later_upstream_keys();
std::vector<std::string_view> later_top_keys();

}  // namespace espalier::settings
