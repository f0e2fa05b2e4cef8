#include "gateway/targets.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "protocol/mime.h"

namespace espalier::gateway {
namespace {

using fleet::Outcome;
using fleet::OutcomeKind;

constexpr const char* kPaused = "the server asked us to pause";
constexpr const char* kUnhealthy = "left out while it is unhealthy";

Outcome unavailable(fleet::UpstreamId upstream, const char* why) {
    return left_out(upstream, OutcomeKind::upstream_fault, 503, why);
}

// "https://host/base", as a server that compares whole URLs knows itself.
std::string plain_url(const engine::Url& url) {
    auto text = url.text();
    while (text.ends_with('/')) text.pop_back();
    return text;
}

bool in_scope(const fleet::Upstream& upstream, const protocol::Caller& caller) {
    if (caller.servers.empty()) return true;
    switch (upstream.server_tag_match) {
        case fleet::ServerTagMatch::any:
            return true;
        case fleet::ServerTagMatch::url:
            return std::ranges::any_of(caller.server_tags, [&](const std::string& tag) {
                const auto url = engine::Url::parse(tag);
                return url && plain_url(*url) == plain_url(upstream.url);
            });
        case fleet::ServerTagMatch::domain:
            break;
    }
    return std::ranges::find(caller.servers, wanted_server_tag(upstream)) != caller.servers.end();
}

bool too_old(const fleet::Upstream& upstream, const protocol::Caller& caller, std::int64_t now) {
    return upstream.max_token_age && now - caller.created_at > upstream.max_token_age->count();
}

// `pattern`: "image/png" or "image/*".
bool matches(std::string_view pattern, std::string_view type) {
    if (!pattern.ends_with("/*")) return base::equal_ignoring_case(pattern, type);
    const auto family = pattern.substr(0, pattern.size() - 1);
    return base::equal_ignoring_case(family, type.substr(0, family.size()));
}

bool takes_type(const fleet::Upstream& upstream, std::string_view type) {
    const auto fits = [&](const std::string& pattern) { return matches(pattern, type); };
    if (std::ranges::any_of(upstream.types_denied, fits)) return false;
    return upstream.types_allowed.empty() || std::ranges::any_of(upstream.types_allowed, fits);
}

// Why this upstream is never sent such a blob, or nothing.
std::optional<Outcome> policy(const fleet::Fleet& fleet, const fleet::Upstream& upstream,
                              const std::optional<protocol::Caller>& caller, const Offer& offer) {
    if (!upstream.takes_uploads()) return unavailable(upstream.id, "the server is read-only");
    const auto& users = upstream.users;
    if (!users.empty() && (!caller || std::ranges::find(users, caller->pubkey) == users.end()))
        return left_out(upstream.id, OutcomeKind::client_fault, 403,
                        "the server is not for this user's blobs");
    const auto most = upstream.blob_bytes_max;
    if (most != 0 && offer.bytes.value_or(0) > most)
        return left_out(upstream.id, OutcomeKind::client_fault, 413,
                        base::text("the server takes at most ", most, " bytes"));
    if (upstream.quota_bytes != 0 &&
        static_cast<std::uint64_t>(fleet.stored_bytes(upstream.id)) + offer.bytes.value_or(1) >
            upstream.quota_bytes)
        return left_out(upstream.id, OutcomeKind::client_fault, 507,
                        "the server's quota is used up");
    const auto type = protocol::media_type(offer.type);
    if (!takes_type(upstream, type))
        return left_out(upstream.id, OutcomeKind::client_fault, 415,
                        base::text("the server does not take ", type));
    return std::nullopt;
}

// Why the server would refuse this token, or nothing.
std::optional<Outcome> refusal(const fleet::Upstream& upstream, const protocol::Caller& caller,
                               std::int64_t now) {
    if (!upstream.forwards_token()) return std::nullopt;
    if (!in_scope(upstream, caller))
        return left_out(
            upstream.id, OutcomeKind::out_of_scope, 401,
            base::text("the token has no server tag for ", wanted_server_tag(upstream)));
    if (too_old(upstream, caller, now))
        return left_out(upstream.id, OutcomeKind::client_fault, 401,
                        "the token is too old for this server");
    return std::nullopt;
}

// Why nothing is sent to this upstream, or nothing if it may be asked. What never changes comes
// first: a better token is no help against it.
std::optional<Outcome> exclusion(const fleet::Fleet& fleet, const fleet::Upstream& upstream,
                                 const std::optional<protocol::Caller>& caller, std::int64_t now,
                                 const std::optional<Offer>& offer) {
    if (auto out = offer ? policy(fleet, upstream, caller, *offer) : std::nullopt) return out;
    // The gateway signs for nobody whom it does not know.
    if (upstream.auth == fleet::Auth::service_key && !caller)
        return left_out(upstream.id, OutcomeKind::client_fault, 401,
                        "the gateway needs a token to act for its user on this server");
    if (auto out = caller ? refusal(upstream, *caller, now) : std::nullopt) return out;
    if (fleet.paused(upstream.id)) return unavailable(upstream.id, kPaused);
    return std::nullopt;
}

}  // namespace

std::string wanted_server_tag(const fleet::Upstream& upstream) {
    return upstream.server_tag_match == fleet::ServerTagMatch::url
               ? plain_url(upstream.url)
               : protocol::server_tag_host(upstream.url.origin());
}

Targets choose_targets(const fleet::Fleet& fleet, const std::optional<protocol::Caller>& caller,
                       std::int64_t now, const std::optional<Offer>& offer) {
    Targets targets;
    std::vector<Outcome> doubtful;
    const auto type = protocol::media_type(offer ? offer->type : "");
    for (const auto& upstream : fleet.upstreams()) {
        if (auto out = exclusion(fleet, upstream, caller, now, offer))
            targets.left_out.push_back(std::move(*out));
        else if (auto refused =
                     offer ? fleet.known_refusal(upstream.id, offer->bytes, type) : std::nullopt)
            doubtful.push_back(std::move(*refused));
        else if (fleet.healthy(upstream.id))
            targets.chosen.push_back(upstream.id);
        else
            doubtful.push_back(unavailable(upstream.id, kUnhealthy));
    }
    // Health and what was refused before are preferences: as soon as the quorum needs one of the
    // doubtful, all of them are asked.
    const bool enough = offer && static_cast<int>(targets.chosen.size()) >= offer->quorum;
    for (auto& out : doubtful) {
        if (enough && !fleet.at(out.upstream).required)
            targets.left_out.push_back(std::move(out));
        else
            targets.chosen.push_back(out.upstream);
    }
    return targets;
}

Targets choose_readable(const fleet::Fleet& fleet) {
    Targets targets;
    std::vector<Outcome> doubtful;
    for (const auto& upstream : fleet.upstreams()) {
        if (!upstream.serves_readers()) continue;
        if (fleet.paused(upstream.id))
            doubtful.push_back(unavailable(upstream.id, kPaused));
        else if (!fleet.healthy(upstream.id))
            doubtful.push_back(unavailable(upstream.id, kUnhealthy));
        else
            targets.chosen.push_back(upstream.id);
    }
    if (!targets.chosen.empty()) {
        targets.left_out = std::move(doubtful);
    } else {
        for (const Outcome& out : doubtful) targets.chosen.push_back(out.upstream);
    }
    return targets;
}

std::string authorization_if_welcome(const fleet::Upstream& upstream,
                                     const std::optional<protocol::Caller>& caller,
                                     std::string_view raw, std::int64_t now) {
    if (caller && refusal(upstream, *caller, now)) return {};
    return authorization_for(upstream, caller, raw);
}

std::string authorization_for(const fleet::Upstream& upstream,
                              const std::optional<protocol::Caller>& caller, std::string_view raw) {
    if (!upstream.forwards_token()) return {};
    if (!caller) return std::string(raw);
    return protocol::authorization_header(caller->event_json, upstream.auth_encoding);
}

std::int64_t authorized_until(const fleet::Upstream& upstream,
                              const std::optional<protocol::Caller>& caller) {
    constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
    if (!upstream.forwards_token() || !caller) return kNever;
    if (!upstream.max_token_age) return caller->expiration;
    return std::min(caller->expiration, caller->created_at + upstream.max_token_age->count());
}

}  // namespace espalier::gateway
