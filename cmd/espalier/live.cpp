#include "live.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fanout/blob_head.h"
#include "fanout/capability_probe.h"
#include "fanout/fan.h"
#include "fanout/probe.h"

namespace espalier::command {
namespace {

using fleet::Capability;
using fleet::Endpoint;
using Json = nlohmann::ordered_json;

constexpr base::Seconds kPatience{5};
constexpr const char* kOrigin = "https://espalier.example";

// Asks all that are wanted at once, and shows every server its answer.
template <class Wanted, class Question, class Read>
void ask(Desk& desk, std::vector<LiveServer>& servers, Wanted&& wanted, Question&& question,
         Read&& read) {
    std::vector<fanout::FanLeg> legs;
    const auto deadline = base::Deadline::after(kPatience);
    for (const auto& server : servers)
        if (wanted(server))
            legs.push_back({server.upstream.id, question(server.upstream, deadline)});
    fan_out(desk.network(), std::move(legs),
            {.op = fleet::Op::capability,
             .read = [&](const fleet::Upstream& upstream, const engine::TransferState& state) {
                 read(servers[upstream.id], state);
                 return outcome_of(upstream, state, true);
             }});
}

engine::TransferRequest head_of_nothing(const fleet::Upstream& upstream, base::Deadline deadline) {
    auto request = fanout::head_request(upstream, fanout::random_hash(), deadline);
    request.headers.add("Origin", kOrigin);
    return request;
}

void read_head_of_nothing(LiveServer& server, const engine::TransferState& state) {
    if (!state.response_complete) {
        server.error = state.error ? state.error->reason : "no answer";
        return;
    }
    server.took = state.elapsed;
    server.status = state.response.status;
    server.says_yes_to_all = fanout::read_head(state, 0).presence == fanout::Presence::there;
    const auto allowed = state.response.headers.value("Access-Control-Allow-Origin");
    server.allows_every_origin = allowed == "*" || allowed == kOrigin;
}

void find_out(Desk& desk, std::vector<LiveServer>& servers, Endpoint endpoint) {
    const auto index = static_cast<std::size_t>(endpoint);
    const auto question = [&](const fleet::Upstream& upstream, base::Deadline deadline) {
        return fanout::capability_question(upstream, endpoint, deadline);
    };
    const auto wanted = [&](const LiveServer& server) {
        return server.reachable() && !server.offers[index].configured;
    };
    ask(desk, servers, wanted, question, [&](LiveServer& server, const auto& state) {
        const auto finding = fanout::read_capability(endpoint, state);
        if (finding) server.offers[index] = {*finding, false, desk.clock.unix_now()};
    });
}

std::string token_words(const fleet::Upstream& upstream) {
    if (upstream.auth == fleet::Auth::none) return "none are sent (auth: none)";
    if (upstream.auth == fleet::Auth::service_key) return "the gateway's own (auth: service_key)";
    const bool url = upstream.auth_encoding == protocol::TokenEncoding::url;
    const char* tags = "its host";
    if (upstream.server_tag_match == fleet::ServerTagMatch::url) tags = "its url";
    if (upstream.server_tag_match == fleet::ServerTagMatch::any) tags = "anything";
    return base::text(url ? "base64url" : "standard base64", "; server tags name ", tags);
}

const char* word_for(Capability capability) {
    if (capability == Capability::unknown) return "unknown";
    return capability == Capability::yes ? "yes" : "no";
}

std::string offering_words(const fleet::Offering& offering) {
    std::string words = word_for(offering.offered);
    if (offering.configured) words += " (by the configuration)";
    if (offering.needs_token) words += ", with a token";
    return words;
}

std::string miss_words(const LiveServer& server) {
    return server.says_yes_to_all ? base::text(server.status, ": it says yes to every blob")
                                  : base::text(server.status);
}

std::string plain_url(const fleet::Upstream& upstream) {
    auto text = upstream.url.text();
    while (text.ends_with('/')) text.pop_back();
    return text;
}

std::string text_of(const LiveServer& server) {
    std::string text = plain_url(server.upstream) + '\n';
    const auto row = [&](std::string name, const std::string& value) {
        name.resize(18, ' ');
        text += "  " + name + value + '\n';
    };
    row("reachable", server.reachable() ? base::text("yes, ", server.took.count(), " ms")
                                        : "no: " + server.error);
    row("tokens", token_words(server.upstream));
    if (!server.reachable()) return text;
    row("CORS", server.allows_every_origin ? "yes" : "no: browsers cannot be sent there");
    row("unknown blob", miss_words(server));
    constexpr std::array kNames{"HEAD /upload", "PUT /mirror", "HEAD /media", "GET /list"};
    for (std::size_t i = 0; i < kNames.size(); ++i)
        row(kNames[i], offering_words(server.offers[i]));
    return text;
}

Json json_of(const LiveServer& server) {
    Json json{{"url", plain_url(server.upstream)}, {"reachable", server.reachable()}};
    json["tokens"] = token_words(server.upstream);
    if (!server.reachable()) {
        json["error"] = server.error;
        return json;
    }
    json["ms"] = server.took.count();
    json["cors"] = server.allows_every_origin;
    json["unknown_blob_status"] = server.status;
    json["says_yes_to_every_blob"] = server.says_yes_to_all;
    for (const auto endpoint : fleet::kEndpoints) {
        const auto& offering = server.offers[static_cast<std::size_t>(endpoint)];
        json["capabilities"][std::string(name_of(endpoint))] = {
            {"offered", word_for(offering.offered)},
            {"source", offering.configured ? "config" : "probed"},
            {"needs_token", offering.needs_token}};
    }
    return json;
}

}  // namespace

std::vector<LiveServer> ask_servers(Desk& desk) {
    std::vector<LiveServer> servers;
    for (const auto& upstream : desk.fleet.upstreams())
        servers.push_back(
            {.upstream = upstream,
             .error = {},
             .offers = fleet::stated_offerings(upstream.upload_head, upstream.mirror)});
    const auto all = [](const LiveServer&) { return true; };
    ask(desk, servers, all, head_of_nothing, read_head_of_nothing);
    for (const auto endpoint : fleet::kEndpoints) find_out(desk, servers, endpoint);
    return servers;
}

std::string live_text(const std::vector<LiveServer>& servers) {
    std::string text;
    for (const auto& server : servers) text += text_of(server);
    return text;
}

std::string live_json(const std::vector<LiveServer>& servers) {
    Json json = Json::array();
    for (const auto& server : servers) json.push_back(json_of(server));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace espalier::command
