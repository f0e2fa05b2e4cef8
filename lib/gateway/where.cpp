#include "gateway/where.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fanout/blob_head.h"
#include "fanout/fan.h"
#include "gateway/routes.h"

namespace espalier::gateway {
namespace {

using Json = nlohmann::ordered_json;
using fanout::HeadAnswer;
using fanout::Presence;

Json server_json(const fleet::Fleet& fleet, const fleet::Outcome& outcome,
                 const HeadAnswer& answer) {
    const auto has = answer.presence == Presence::unknown
                         ? Json(nullptr)
                         : Json(answer.presence == Presence::there);
    Json json{{"host", fleet.host(outcome.upstream)},
              {"has", has},
              {"status", outcome.word()},
              {"ms", outcome.elapsed.count()}};
    if (answer.presence == Presence::there) {
        json["size"] = answer.size ? Json(*answer.size) : Json(nullptr);
        json["type"] = answer.type;
    }
    json["reason"] = base::abridged(outcome.reason);
    return json;
}

}  // namespace

http::Reply where(const Parts& parts, const http::Request& request) {
    const auto hash = protocol::BlobHash::parse(request.head.path.substr(kWherePrefix.size()));
    if (!hash)
        return http::refuse(base::ErrorKind::invalid,
                            "a blob is named by 64 lower-case hexadecimal digits");
    const auto& network = parts.network;
    const auto deadline = base::Deadline::after(parts.options.lookup_timeout);
    std::vector<fanout::FanLeg> legs;
    for (const auto& upstream : network.fleet.upstreams())
        legs.push_back({upstream.id, fanout::head_request(upstream, *hash, deadline)});
    std::map<fleet::UpstreamId, HeadAnswer> answers;
    const auto read = [&](const fleet::Upstream& upstream, const engine::TransferState& state) {
        auto& answer = answers[upstream.id];
        answer = fanout::read_head(state, network.fleet.miss_status(upstream.id));
        return head_outcome(upstream, state, answer);
    };
    auto servers = Json::array();
    for (const auto& outcome :
         fan_out(network, std::move(legs), {.op = fleet::Op::lookup, .read = read}))
        servers.push_back(server_json(network.fleet, outcome, answers[outcome.upstream]));
    const Json found{{"hash", hash->hex()}, {"servers", servers}};
    auto reply =
        http::Reply::json(200, found.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    reply.header("Cache-Control", "no-store");
    return reply;
}

}  // namespace espalier::gateway
