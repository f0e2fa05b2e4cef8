// The routes: which path is what, and which methods it knows (sheet A).
//
// Pure functions; reactors call them.
#pragma once

#include <cstdint>
#include <string_view>

namespace espalier::gateway {

enum class Route : std::uint8_t {
    blob,
    upload,
    media,
    mirror,
    list,
    report,
    info,
    home,
    assets,
    docs,
    events,
    where,
    admin,
    health,
    ready,
    live,
    stats,
    metrics,
    unknown
};
inline constexpr std::size_t kRoutes = 19;

constexpr std::string_view kListPrefix = "/list/";
constexpr std::string_view kWherePrefix = "/where/";

// "/<64 hex>…" is `blob` and "/list/…" is `list` even when malformed: their handlers say what is
// wrong.
Route route_of(std::string_view path);
// The template for labels and logs, e.g. "/<sha256>".
std::string_view name_of(Route route);
// The methods that the route knows, as an Allow header lists them; "" for unknown.
std::string_view methods_of(Route route);
// Whether the Blossom protocol (a BUD) has this route.
bool is_blossom(Route route);
bool knows_method(Route route, std::string_view method);

}  // namespace espalier::gateway
