#include "gateway/routes.h"

#include <algorithm>

#include "protocol/blob_hash.h"

namespace espalier::gateway {
namespace {

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool looks_like_blob(std::string_view path) {
    constexpr auto kDigits = protocol::BlobHash::kHexDigits;
    return path.size() > kDigits && std::ranges::all_of(path.substr(1, kDigits), is_hex);
}

}  // namespace

Route route_of(std::string_view path) {
    if (looks_like_blob(path)) return Route::blob;
    if (path == "/upload") return Route::upload;
    if (path == "/media") return Route::media;
    if (path == "/mirror") return Route::mirror;
    if (path.starts_with(kListPrefix)) return Route::list;
    if (path == "/report") return Route::report;
    if (path == "/info") return Route::info;
    if (path == "/") return Route::home;
    if (path.starts_with("/assets/")) return Route::assets;
    if (path == "/docs" || path.starts_with("/docs/")) return Route::docs;
    if (path == "/events") return Route::events;
    if (path.starts_with(kWherePrefix)) return Route::where;
    if (path == "/admin" || path.starts_with("/admin/")) return Route::admin;
    if (path == "/health") return Route::health;
    if (path == "/ready") return Route::ready;
    if (path == "/live") return Route::live;
    if (path == "/stats") return Route::stats;
    if (path == "/metrics") return Route::metrics;
    return Route::unknown;
}

std::string_view name_of(Route route) {
    switch (route) {
        case Route::blob:
            return "/<sha256>";
        case Route::upload:
            return "/upload";
        case Route::media:
            return "/media";
        case Route::mirror:
            return "/mirror";
        case Route::list:
            return "/list/<pubkey>";
        case Route::report:
            return "/report";
        case Route::info:
            return "/info";
        case Route::home:
            return "/";
        case Route::assets:
            return "/assets";
        case Route::docs:
            return "/docs";
        case Route::events:
            return "/events";
        case Route::where:
            return "/where/<sha256>";
        case Route::admin:
            return "/admin";
        case Route::health:
            return "/health";
        case Route::ready:
            return "/ready";
        case Route::live:
            return "/live";
        case Route::stats:
            return "/stats";
        case Route::metrics:
            return "/metrics";
        case Route::unknown:
            break;
    }
    return "unknown";
}

std::string_view methods_of(Route route) {
    switch (route) {
        case Route::blob:
            return "GET, HEAD, DELETE, OPTIONS";
        case Route::upload:
        case Route::media:
            return "PUT, HEAD, OPTIONS";
        case Route::mirror:
        case Route::report:
            return "PUT, OPTIONS";
        case Route::admin:
            return "GET, HEAD, POST, OPTIONS";
        case Route::unknown:
            return "";
        default:
            return "GET, HEAD, OPTIONS";
    }
}

bool is_blossom(Route route) {
    switch (route) {
        case Route::blob:
        case Route::upload:
        case Route::media:
        case Route::mirror:
        case Route::list:
        case Route::report:
            return true;
        default:
            return false;
    }
}

bool knows_method(Route route, std::string_view method) {
    auto rest = methods_of(route);
    while (!rest.empty()) {
        const auto comma = rest.find(", ");
        if (rest.substr(0, comma) == method) return true;
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 2);
    }
    return false;
}

}  // namespace espalier::gateway
