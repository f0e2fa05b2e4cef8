#include "protocol/authorizer.h"

#include <algorithm>
#include <limits>
#include <span>

#include "base/base64.h"
#include "base/text.h"
#include "protocol/event.h"

namespace espalier::protocol {
namespace {

constexpr std::size_t kNamedHostsMax = 8;
constexpr std::size_t kHostBytesMax = 64;

base::ErrorKind kind_of(AuthRefusal why) {
    switch (why) {
        case AuthRefusal::wrong_verb:
        case AuthRefusal::missing_x:
        case AuthRefusal::wrong_x:
        case AuthRefusal::not_allowed:
            return base::ErrorKind::forbidden;
        default:
            return base::ErrorKind::unauthorized;
    }
}

Refusal refusal(AuthRefusal why, std::string reason) {
    return {why,
            base::Error{
                .kind = kind_of(why), .reason = std::move(reason), .origin = base::Origin::client}};
}

std::unexpected<Refusal> refuse(AuthRefusal why, std::string reason) {
    return std::unexpected(refusal(why, std::move(reason)));
}

// The JSON inside "Nostr <base64>".
std::expected<std::string, Refusal> unwrap(std::string_view header, std::size_t bytes_max) {
    constexpr std::string_view kScheme = "Nostr ";
    header = base::trim(header);
    if (header.empty()) return refuse(AuthRefusal::missing, "an Authorization header is required");
    if (header.size() > bytes_max)
        return refuse(AuthRefusal::malformed,
                      base::text("the token is longer than ", bytes_max, " bytes"));
    if (!base::equal_ignoring_case(header.substr(0, kScheme.size()), kScheme))
        return refuse(AuthRefusal::malformed,
                      "the Authorization header must say \"Nostr <token>\"");
    auto token = base::trim(header.substr(kScheme.size()));
    // Padding says nothing; some clients get its length wrong.
    while (token.ends_with('=')) token.remove_suffix(1);
    auto json = base::from_base64(token);
    if (!json) return refuse(AuthRefusal::malformed, "the token is not valid base64");
    return *std::move(json);
}

// An event that is what it says it is.
std::expected<Event, Refusal> authentic_token(std::string_view json) {
    auto event = read_event(json);
    if (!event)
        return refuse(
            event.error().duplicate_key ? AuthRefusal::duplicate_key : AuthRefusal::malformed,
            "the token is unreadable: " + event.error().reason);
    if (event->kind != kTokenKind)
        return refuse(AuthRefusal::wrong_kind,
                      base::text("the token's kind is ", event->kind, " instead of ", kTokenKind));
    if (!has_valid_id(*event))
        return refuse(AuthRefusal::wrong_id, "the token's id does not match its contents");
    if (!has_valid_signature(*event))
        return refuse(AuthRefusal::bad_signature, "the token's signature is not valid");
    return *std::move(event);
}

Caller caller_of(const Event& event, std::string json) {
    Caller caller{
        .pubkey = event.pubkey, .event_json = std::move(json), .created_at = event.created_at};
    const auto xs = tag_values(event, "x");
    for (const auto x : xs)
        if (const auto hash = BlobHash::parse(x)) caller.hashes.push_back(*hash);
    caller.has_x = first_tag(event, "x").has_value();
    for (const auto server : tag_values(event, "server")) {
        caller.servers.push_back(server_tag_host(server));
        caller.server_tags.emplace_back(server);
    }
    // A server tag without a value names nobody, which is not the same as no server tag.
    if (caller.servers.empty() && first_tag(event, "server")) caller.servers.emplace_back();
    return caller;
}

// The instant in the first expiration tag (NIP-40).
std::expected<std::int64_t, Refusal> expiration_of(const Event& event) {
    constexpr auto kFarthest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    const auto tag = first_tag(event, "expiration");
    if (!tag) return refuse(AuthRefusal::no_expiration, "the token has no expiration tag");
    const auto seconds = base::parse_number(*tag);
    if (!seconds || *seconds > kFarthest)
        return refuse(AuthRefusal::no_expiration,
                      "the token's expiration is not a time in unix seconds");
    return static_cast<std::int64_t>(*seconds);
}

std::optional<Refusal> refuse_created_at(std::int64_t created_at, std::int64_t now,
                                         std::int64_t tolerance) {
    if (created_at - tolerance <= now) return std::nullopt;
    return refusal(AuthRefusal::future, base::text("the token was created ", created_at - now,
                                                   " seconds in the future: is your clock right?"));
}

std::optional<Refusal> refuse_verb(const Event& event, Verb verb) {
    const auto verbs = tag_values(event, "t");
    if (std::ranges::find(verbs, name_of(verb)) != verbs.end()) return std::nullopt;
    if (verbs.empty())
        return refusal(AuthRefusal::wrong_verb,
                       base::text("the token has no t tag, it needs t=", name_of(verb)));
    return refusal(AuthRefusal::wrong_verb,
                   base::text("the token is for t=", base::one_line(verbs.front(), 16),
                              ", this needs t=", name_of(verb)));
}

bool serves(const std::vector<std::string>& hosts, const std::string& host) {
    return std::ranges::find(hosts, host) != hosts.end();
}

bool is_in_scope(const Caller& caller, const std::string& own, const AuthorizerOptions& options) {
    if (caller.servers.empty() || options.accept_server_tags == AcceptServerTags::any) return true;
    if (!own.empty() && serves(caller.servers, own)) return true;
    return options.accept_server_tags == AcceptServerTags::own_or_upstream &&
           std::ranges::any_of(options.upstream_hosts, [&](const std::string& upstream) {
               return serves(caller.servers, upstream);
           });
}

// The own name first: with it alone the gateway lets the token in, with all of them every
// upstream takes it too.
Refusal out_of_scope(const std::string& own, const std::vector<std::string>& upstreams) {
    std::string hosts = base::one_line(own, kHostBytesMax);
    for (const auto& upstream :
         std::span(upstreams).first(std::min(upstreams.size(), kNamedHostsMax)))
        base::append_text(hosts, base::text(hosts.empty() ? "" : ", ", upstream));
    return refusal(
        AuthRefusal::wrong_server,
        "the token is scoped to other servers; sign it without server tags or with " + hosts);
}

bool must_name_blob(Verb verb, RequireX require_x) {
    if (verb == Verb::get || verb == Verb::list) return false;
    if (require_x == RequireX::by_verb) return verb == Verb::delete_;
    return require_x == RequireX::strict;
}

std::optional<Refusal> refuse_missing_x(const Caller& caller, Verb verb, RequireX require_x) {
    if (caller.has_x || !must_name_blob(verb, require_x)) return std::nullopt;
    return refusal(AuthRefusal::missing_x, base::text("the token needs an x tag with the blob's "
                                                      "hash for t=",
                                                      name_of(verb)));
}

std::optional<Refusal> refuse_hash(const Caller& caller, Verb verb, const BlobHash& hash) {
    if (!caller.has_x || verb == Verb::list || caller.names(hash)) return std::nullopt;
    return refusal(AuthRefusal::wrong_x, base::text("the token's x tags do not name ", hash.hex()));
}

std::optional<Refusal> refuse_blob(const Caller& caller, Verb verb,
                                   const std::optional<BlobHash>& hash, RequireX require_x) {
    if (auto missing = refuse_missing_x(caller, verb, require_x)) return missing;
    return hash ? refuse_hash(caller, verb, *hash) : std::nullopt;
}

}  // namespace

std::string_view name_of(AuthRefusal why) {
    switch (why) {
        case AuthRefusal::missing:
            return "missing";
        case AuthRefusal::malformed:
            return "malformed";
        case AuthRefusal::duplicate_key:
            return "duplicate_key";
        case AuthRefusal::wrong_kind:
            return "wrong_kind";
        case AuthRefusal::wrong_id:
            return "wrong_id";
        case AuthRefusal::bad_signature:
            return "bad_signature";
        case AuthRefusal::future:
            return "future";
        case AuthRefusal::no_expiration:
            return "no_expiration";
        case AuthRefusal::expired:
            return "expired";
        case AuthRefusal::wrong_verb:
            return "wrong_verb";
        case AuthRefusal::wrong_server:
            return "wrong_server";
        case AuthRefusal::missing_x:
            return "missing_x";
        case AuthRefusal::wrong_x:
            return "wrong_x";
        case AuthRefusal::not_allowed:
            return "not_allowed";
    }
    return "malformed";
}

Authorizer::Authorizer(AuthorizerOptions options) : options_(std::move(options)) {
    std::ranges::sort(options_.allowed);
    for (auto& host : options_.upstream_hosts) host = server_tag_host(host);
    std::erase(options_.upstream_hosts, "");
}

std::expected<Caller, Refusal> Authorizer::check(std::string_view authorization_header, Verb verb,
                                                 const std::optional<BlobHash>& hash,
                                                 std::string_view own_host,
                                                 std::int64_t now) const {
    auto json = unwrap(authorization_header, options_.token_bytes_max);
    if (!json) return std::unexpected(std::move(json).error());
    const auto event = authentic_token(*json);
    if (!event) return std::unexpected(event.error());
    if (auto early = refuse_created_at(event->created_at, now, options_.created_at_tolerance))
        return std::unexpected(*std::move(early));
    const auto expiration = expiration_of(*event);
    if (!expiration) return std::unexpected(expiration.error());
    if (*expiration <= now)
        return refuse(AuthRefusal::expired,
                      base::text("the token expired ", now - *expiration, " seconds ago"));
    if (auto other = refuse_verb(*event, verb)) return std::unexpected(*std::move(other));
    auto caller = caller_of(*event, *std::move(json));
    caller.expiration = *expiration;
    const auto own = server_tag_host(own_host);
    if (!is_in_scope(caller, own, options_))
        return std::unexpected(out_of_scope(own, options_.upstream_hosts));
    if (auto blob = refuse_blob(caller, verb, hash, options_.require_x))
        return std::unexpected(*std::move(blob));
    if (!options_.allowed.empty() && !std::ranges::binary_search(options_.allowed, caller.pubkey))
        return refuse(AuthRefusal::not_allowed, "this key is not on the server's list");
    return caller;
}

base::Result<void> check_hash(const Caller& caller, Verb verb, const BlobHash& hash,
                              RequireX require_x) {
    auto refused = refuse_blob(caller, verb, hash, require_x);
    if (refused) return std::unexpected(std::move(refused->error));
    return {};
}

std::string server_tag_host(std::string_view value) {
    auto host = base::trim(value);
    const auto scheme = host.find("://");
    if (scheme != std::string_view::npos && host.find_first_of("/?#") == scheme + 1)
        host.remove_prefix(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    if (const auto user = host.rfind('@'); user != std::string_view::npos)
        host.remove_prefix(user + 1);
    if (host.starts_with('[')) {
        host = host.substr(1, host.find(']') - 1);
    } else if (std::ranges::count(host, ':') == 1) {
        host = host.substr(0, host.find(':'));
    }
    if (host.ends_with('.')) host.remove_suffix(1);
    return base::ascii_lower(host);
}

}  // namespace espalier::protocol
