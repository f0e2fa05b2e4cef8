#include "gateway/info.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "gateway/admission.h"
#include "gateway/routes.h"
#include "gateway/targets.h"

namespace espalier::gateway {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of_tags(protocol::AcceptServerTags tags) {
    switch (tags) {
        case protocol::AcceptServerTags::own:
            return "own";
        case protocol::AcceptServerTags::own_or_upstream:
            return "own_or_upstream";
        case protocol::AcceptServerTags::any:
            return "any";
    }
    return "";
}

// Ours, and that of each server that is sent the client's token and looks at its tags.
Json server_tags(const Parts& parts, const http::Request& request) {
    std::vector<std::string> tags{protocol::server_tag_host(own_host(parts.options, request))};
    for (const auto& upstream : parts.network.fleet.upstreams()) {
        if (!upstream.forwards_token() || upstream.server_tag_match == fleet::ServerTagMatch::any)
            continue;
        auto tag = wanted_server_tag(upstream);
        if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(std::move(tag));
    }
    return tags;
}

Json upstreams(const fleet::Fleet& fleet) {
    auto all = Json::array();
    for (const auto& upstream : fleet.upstreams())
        all.push_back({{"host", fleet.host(upstream.id)},
                       {"mode", name_of(upstream.mode)},
                       {"takes_uploads", upstream.takes_uploads()}});
    return all;
}

Json limits(const Parts& parts) {
    return {{"max_upload_size", parts.options.upload_bytes_max},
            {"min_upload_servers", parts.options.min_upload_servers},
            {"chunked_uploads", parts.options.chunked_uploads}};
}

Json auth(const Parts& parts) {
    const auto& options = parts.authorizer.options();
    return {{"writes", parts.options.auth_required ? "required" : "forward"},
            {"allowlist", !options.allowed.empty()},
            {"server_tags", name_of_tags(options.accept_server_tags)}};
}

// Every method of every route of the protocol, as "PUT /upload".
Json endpoints() {
    auto all = Json::array();
    for (std::size_t i = 0; i < kRoutes; ++i) {
        const auto route = static_cast<Route>(i);
        if (!is_blossom(route)) continue;
        for (const auto method : {"GET", "HEAD", "PUT", "DELETE"})
            if (knows_method(route, method)) all.push_back(base::text(method, ' ', name_of(route)));
    }
    return all;
}

}  // namespace

std::string info_json(const Parts& parts, const http::Request& request) {
    const Json info{{"name", "espalier"},
                    {"version", parts.options.version},
                    {"url", own_url(parts.options, request)},
                    {"server_tags", server_tags(parts, request)},
                    {"upstreams", upstreams(parts.network.fleet)},
                    {"limits", limits(parts)},
                    {"auth", auth(parts)},
                    {"endpoints", endpoints()}};
    return info.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace espalier::gateway
