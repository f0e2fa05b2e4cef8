#include "wiring.h"

#include <algorithm>
#include <fstream>

#include "base/text.h"
#include "settings/checks.h"
#include "version.h"

namespace espalier::command {
namespace {

using settings::Settings;
using settings::UpstreamSettings;

fleet::Capability capability_from(settings::Tri tri) {
    switch (tri) {
        case settings::Tri::yes:
            return fleet::Capability::yes;
        case settings::Tri::no:
            return fleet::Capability::no;
        case settings::Tri::automatic:
            break;
    }
    return fleet::Capability::unknown;
}

fleet::ServerTagMatch match_from(settings::ServerTagMatch match) {
    switch (match) {
        case settings::ServerTagMatch::url:
            return fleet::ServerTagMatch::url;
        case settings::ServerTagMatch::any:
            return fleet::ServerTagMatch::any;
        case settings::ServerTagMatch::domain:
            break;
    }
    return fleet::ServerTagMatch::domain;
}

fleet::Auth auth_from(settings::UpstreamAuth auth) {
    switch (auth) {
        case settings::UpstreamAuth::none:
            return fleet::Auth::none;
        case settings::UpstreamAuth::service_key:
            return fleet::Auth::service_key;
        case settings::UpstreamAuth::forward:
            break;
    }
    return fleet::Auth::forward;
}

fleet::Mode mode_from(settings::Mode mode) {
    switch (mode) {
        case settings::Mode::ro:
            return fleet::Mode::ro;
        case settings::Mode::source:
            return fleet::Mode::source;
        case settings::Mode::drain:
            return fleet::Mode::drain;
        case settings::Mode::rw:
            break;
    }
    return fleet::Mode::rw;
}

base::Result<std::vector<protocol::PublicKey>> public_keys_from(
    const std::vector<std::string>& texts) {
    std::vector<protocol::PublicKey> keys;
    for (const auto& text : texts) {
        const auto key = protocol::PublicKey::parse_any(text);
        if (!key) return std::unexpected(key.error());
        keys.push_back(*key);
    }
    return keys;
}

base::Result<fleet::Upstream> upstream_from(const UpstreamSettings& from, std::size_t id) {
    auto url = engine::Url::parse(from.url);
    if (!url) return std::unexpected(url.error());
    fleet::Upstream upstream{.id = static_cast<fleet::UpstreamId>(id), .url = std::move(*url)};
    upstream.priority = from.priority;
    upstream.connect_to = from.connect_to;
    upstream.upload_head = capability_from(from.supports_upload_head);
    upstream.mirror = capability_from(from.supports_mirror);
    upstream.auth_encoding = from.auth_encoding == settings::TokenEncoding::url
                                 ? protocol::TokenEncoding::url
                                 : protocol::TokenEncoding::std_padded;
    upstream.server_tag_match = match_from(from.server_tag_match);
    if (from.max_token_age.count() > 0)
        upstream.max_token_age = std::chrono::duration_cast<base::Seconds>(from.max_token_age);
    upstream.verify_tls = from.tls_verify;
    upstream.auth = auth_from(from.auth);
    upstream.mode = mode_from(from.mode);
    upstream.required = from.required;
    upstream.weight = static_cast<std::uint32_t>(from.weight);
    auto users = public_keys_from(from.pubkeys);
    if (!users) return std::unexpected(users.error());
    upstream.users = std::move(*users);
    upstream.blob_bytes_max = from.max_bytes;
    upstream.quota_bytes = from.quota_bytes;
    if (from.rate_up != 0 || from.rate_down != 0)
        upstream.rate = std::make_shared<engine::Rate>(from.rate_up, from.rate_down);
    upstream.in_flight_max = static_cast<std::size_t>(from.max_inflight);
    upstream.types_allowed = from.mime_allow;
    upstream.types_denied = from.mime_deny;
    return upstream;
}

protocol::Nip94Urls nip94_from(settings::Nip94Urls urls) {
    switch (urls) {
        case settings::Nip94Urls::multi:
            return protocol::Nip94Urls::multi;
        case settings::Nip94Urls::fallback:
            return protocol::Nip94Urls::fallback;
        case settings::Nip94Urls::both:
            break;
    }
    return protocol::Nip94Urls::both;
}

gateway::HintPolicy hints_from(settings::Hints hints) {
    switch (hints) {
        case settings::Hints::allowlist:
            return gateway::HintPolicy::allowlist;
        case settings::Hints::anyone:
            return gateway::HintPolicy::anyone;
        case settings::Hints::off:
            break;
    }
    return gateway::HintPolicy::off;
}

protocol::AcceptServerTags tags_from(settings::AcceptServerTags tags) {
    switch (tags) {
        case settings::AcceptServerTags::own:
            return protocol::AcceptServerTags::own;
        case settings::AcceptServerTags::any:
            return protocol::AcceptServerTags::any;
        case settings::AcceptServerTags::own_or_upstream:
            break;
    }
    return protocol::AcceptServerTags::own_or_upstream;
}

}  // namespace

fleet::Strategy strategy_from(settings::Strategy strategy) {
    switch (strategy) {
        case settings::Strategy::random:
            return fleet::Strategy::random;
        case settings::Strategy::health_based:
            return fleet::Strategy::health_based;
        case settings::Strategy::priority:
            return fleet::Strategy::priority;
        case settings::Strategy::fastest:
            return fleet::Strategy::fastest;
        case settings::Strategy::local:
            return fleet::Strategy::local;
        case settings::Strategy::round_robin:
            break;
    }
    return fleet::Strategy::round_robin;
}

base::Result<std::vector<fleet::Upstream>> upstreams_from(const Settings& settings) {
    if (settings.upstreams.size() > fleet::kUpstreamsMax)
        return base::fail(base::ErrorKind::invalid, "upstream_servers: at most 64 are possible");
    std::vector<fleet::Upstream> upstreams;
    for (const auto& from : settings.upstreams) {
        auto upstream = upstream_from(from, upstreams.size());
        if (!upstream) return std::unexpected(upstream.error());
        upstreams.push_back(std::move(*upstream));
    }
    return upstreams;
}

base::Result<protocol::AuthorizerOptions> authorizer_from(const Settings& settings) {
    protocol::AuthorizerOptions options;
    auto allowed = public_keys_from(settings.allowed_pubkeys);
    if (!allowed) return std::unexpected(allowed.error());
    options.allowed = std::move(*allowed);
    options.accept_server_tags = tags_from(settings.accept_server_tags);
    for (const auto& upstream : settings.upstreams) options.upstream_hosts.push_back(upstream.url);
    options.require_x = settings.require_x == settings::RequireX::strict
                            ? protocol::RequireX::strict
                            : protocol::RequireX::by_verb;
    return options;
}

namespace {

// What the key says itself, or the first line of the file that it names. Errors: invalid.
base::Result<std::string> secret_text(std::string_view key, const std::string& value) {
    if (!value.starts_with(settings::kKeyFile)) return value;
    const auto path = value.substr(settings::kKeyFile.size());
    std::string text;
    if (std::ifstream file(path); !std::getline(file, text))
        return base::fail(base::ErrorKind::invalid,
                          base::text("server.", key, ": cannot read ", path));
    return std::string(base::trim(text));
}

}  // namespace

base::Result<std::optional<protocol::SecretKey>> service_key_from(const Settings& settings) {
    if (settings.service_key.empty()) return std::nullopt;
    const auto text = secret_text("service_key", settings.service_key);
    if (!text) return std::unexpected(text.error());
    auto key = protocol::SecretKey::parse_any(*text);
    if (!key)
        return base::fail(base::ErrorKind::invalid,
                          base::text("server.service_key: ", key.error().reason));
    return std::move(*key);
}

base::Result<std::string> admin_token_from(const Settings& settings) {
    auto text = secret_text("admin.token", settings.admin_token);
    if (!text) return text;
    if (auto wrong = settings::check_admin_token(*text);
        !wrong.empty() || (text->empty() != settings.admin_token.empty()))
        return base::fail(
            base::ErrorKind::invalid,
            base::text("server.admin.token: ", wrong.empty() ? "the file is empty" : wrong));
    return text;
}

gateway::Options gateway_from(const Settings& from) {
    gateway::Options options;
    options.base_url = from.base_url;
    options.min_upload_servers = from.min_upload_servers;
    options.allow_lower_quorum = from.allow_lower_quorum;
    options.quorum_reply = from.quorum_reply == settings::QuorumReply::all
                               ? gateway::QuorumReply::all
                               : gateway::QuorumReply::early;
    options.quorum_linger = from.quorum_linger;
    options.always_200 = from.success_status == settings::SuccessStatus::always_200;
    options.nip94_urls = nip94_from(from.nip94_urls);
    options.links_to_us = from.redirect_strategy == settings::Strategy::local;
    options.upload_strategy = strategy_from(from.redirect_strategy);
    options.download_strategy = strategy_from(from.download_strategy());
    options.redirect_status = static_cast<int>(from.redirect_status);
    options.proxies = from.upstream_mode == settings::UpstreamMode::proxy;
    options.proxy_when_needed = from.proxy_when_needed;
    options.uncertain_is_404 = from.uncertain_read == settings::UncertainRead::not_found;
    options.hints = hints_from(from.hints);
    options.hint_hosts = from.hint_hosts;
    // Whom an allowlist names must show who they are.
    options.auth_required =
        from.auth_writes == settings::AuthWrites::required || !from.allowed_pubkeys.empty();
    options.delete_any_suffices = from.delete_quorum == settings::DeleteQuorum::any;
    options.tombstone_ttl = from.tombstone_ttl;
    options.chunked_uploads = from.chunked_uploads == settings::ChunkedUploads::spool;
    options.dedupe_skip = from.dedupe_put == settings::DedupePut::skip;
    options.mirror_private_origins = from.mirror_private_origins;
    options.upload_bytes_max = from.max_upload_size;
    options.verify_first_bytes_max = from.verify_first_max;
    options.timeout = from.timeout;
    options.lookup_timeout = from.lookup_timeout;
    options.list_timeout = from.list_timeout;
    options.list_upstream_bytes_max = from.list_upstream_max_bytes;
    options.retries_max = from.max_retries;
    options.spool_folder = from.spool_dir;
    options.upload_timeout_min = from.min_upload_timeout;
    options.upload_timeout_max = from.max_upload_timeout;
    options.stall_timeout = from.stall_timeout;
    options.map_verify_after = from.map_verify_after;
    options.memory_bytes_max = from.max_memory_bytes;
    options.threads_max = static_cast<std::uint64_t>(from.max_goroutines);
    options.admin_token = from.admin_token;
    options.logs_instant = from.log_instant;
    options.version = kVersion;
    return options;
}

gateway::Rates::Options rates_from(const Settings& from) {
    return {.address = {.requests_per_minute = from.rates_ip_requests,
                        .bytes_per_day = from.rates_ip_bytes},
            .pubkey = {.requests_per_minute = from.rates_pubkey_requests,
                       .bytes_per_day = from.rates_pubkey_bytes}};
}

http::Server::Options server_from(const Settings& from) {
    http::Server::Options options;
    options.listen = from.listen_addr;
    options.workers_max = from.workers_max();
    options.connections_max = from.max_connections;
    options.head_timeout = from.max_header_time;
    options.idle_timeout = from.idle_timeout;
    options.client_min_rate = from.client_min_rate;
    options.trusted_proxies = from.trusted_proxies;
    return options;
}

}  // namespace espalier::command
