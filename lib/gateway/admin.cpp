#include "gateway/admin.h"

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "base/text.h"
#include "dashboard/snapshot.h"

namespace espalier::gateway {
namespace {

using Json = nlohmann::ordered_json;

// Digests are compared, so that the time it takes tells nothing of the token.
bool is_operator(const Options& options, const http::Request& request) {
    constexpr std::string_view kScheme = "Bearer ";
    const auto header = request.head.value("Authorization");
    return base::equal_ignoring_case(header.substr(0, kScheme.size()), kScheme) &&
           base::Sha256::of(base::trim(header.substr(kScheme.size()))) ==
               base::Sha256::of(options.admin_token);
}

Json upstreams(const fleet::Fleet& fleet) {
    auto all = Json::array();
    for (const auto& upstream : fleet.upstreams())
        all.push_back({{"host", fleet.host(upstream.id)},
                       {"url", upstream.url.text()},
                       {"connect_to", upstream.connect_to}});
    return all;
}

Json missing_copies(ledger::Ledger& ledger) {
    constexpr std::size_t kShown = 100;
    auto all = Json::array();
    for (const auto& one : ledger.missing(kShown))
        all.push_back({{"hash", one.hash.hex()},
                       {"server", one.server_url},
                       {"since", one.since},
                       {"pubkey", one.owner}});
    return all;
}

Json uploaders(const dashboard::Uploaders& uploaders) {
    constexpr std::size_t kShown = 20;
    auto all = Json::array();
    for (const auto& one : uploaders.top(kShown))
        all.push_back({{"pubkey", one.pubkey}, {"uploads", one.uploads}, {"bytes", one.bytes}});
    return all;
}

std::string details(const Parts& parts) {
    auto operations = Json::parse(
        operations_json(parts.operations.since(0), dashboard::Viewer::admin), nullptr, false);
    const Json all{{"upstreams", upstreams(parts.network.fleet)},
                   {"uploaders", uploaders(parts.uploaders)},
                   {"missing_copies", missing_copies(parts.ledger)},
                   {"operations", std::move(operations)}};
    return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

http::Reply repair_now(const Parts& parts) {
    if (!parts.repairer.is_on())
        return http::refuse(base::ErrorKind::conflict, "repairs are off: see repair_interval");
    parts.repairer.hurry();
    return http::Reply::json(202, "{\"message\":\"missing copies are being brought\"}\n");
}

}  // namespace

http::Reply admin(const Parts& parts, const http::Request& request) {
    const auto& path = request.head.path;
    const bool repair = path == "/admin/repair";
    if (parts.options.admin_token.empty() || (!repair && path != "/admin"))
        return http::refuse(base::ErrorKind::missing, "there is nothing at this path");
    if (!is_operator(parts.options, request))
        return http::refuse(base::ErrorKind::unauthorized,
                            "this is for the operator: Authorization: Bearer <admin.token>");
    if (repair != (request.head.method == "POST")) {
        http::Reply reply(405);
        reply.header("Allow", repair ? "POST, OPTIONS" : "GET, HEAD, OPTIONS");
        return reply;
    }
    auto reply = repair ? repair_now(parts) : http::Reply::json(200, details(parts));
    reply.header("Cache-Control", "no-store");
    return reply;
}

}  // namespace espalier::gateway
