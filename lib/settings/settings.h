// Settings are everything an operator can choose, as plain data with its defaults.
//
// The defaults stand here and nowhere else: the reference, the example's test and every error
// message read them from these members. What each one means stands in the key tables
// (server_keys.cpp, upstream_keys.cpp).
//
// Sources: the Go original's keys and defaults (upstream_servers, server), BUD-01 … BUD-12.
// Threads: a value; immutable once loaded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace espalier::settings {

using base::Milliseconds;
using base::Seconds;

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

enum class Tri : std::uint8_t { automatic, yes, no };

enum class UpstreamMode : std::uint8_t { redirect, proxy, redirect_and_cache };
enum class Strategy : std::uint8_t { round_robin, random, health_based, priority, fastest, local };
enum class QuorumReply : std::uint8_t { early, all };
enum class SuccessStatus : std::uint8_t { spec, always_200 };
enum class Nip94Urls : std::uint8_t { both, multi, fallback };
enum class RedirectStatus : std::uint16_t { found = 302, temporary = 307, permanent = 308 };
enum class UncertainRead : std::uint16_t { not_found = 404, bad_gateway = 502 };
enum class AuthWrites : std::uint8_t { required, forward };
enum class RequireX : std::uint8_t { if_present, strict };
enum class AcceptServerTags : std::uint8_t { own, own_or_upstream, any };
enum class ChunkedUploads : std::uint8_t { spool, reject };
enum class DeleteQuorum : std::uint8_t { all, any };
enum class DedupePut : std::uint8_t { send, skip };
enum class Hints : std::uint8_t { off, allowlist, anyone };

enum class Mode : std::uint8_t { rw, ro, source, drain };
enum class UpstreamAuth : std::uint8_t { forward, none, service_key };
enum class TokenEncoding : std::uint8_t { std, url };
enum class ServerTagMatch : std::uint8_t { domain, url, any };

// A value, or nothing: `auto`, found out by measuring.
template <class T>
struct OrAuto {
    std::optional<T> value;
    friend bool operator==(const OrAuto&, const OrAuto&) = default;
};

// One upstream Blossom server.
struct UpstreamSettings {
    std::string url;         // absolute http(s) URL, as written; it names the upstream
    int priority = 0;        // low wins
    std::string connect_to;  // "host:port"; "": the url's
    Tri supports_mirror = Tri::automatic;
    Tri supports_upload_head = Tri::automatic;

    Mode mode = Mode::rw;
    bool required = false;
    int weight = 1;
    std::vector<std::string> pubkeys;  // hex or npub, valid
    std::uint64_t max_bytes = 0;       // 0: no limit
    std::uint64_t quota_bytes = 0;     // 0: no limit
    std::uint64_t rate_up = 0;         // bytes a second; 0: no limit
    std::uint64_t rate_down = 0;       // likewise
    int max_inflight = 256;            // uploads at once, and other requests at once
    std::vector<std::string> mime_allow;
    std::vector<std::string> mime_deny;

    bool tls_verify = true;
    UpstreamAuth auth = UpstreamAuth::forward;
    TokenEncoding auth_encoding = TokenEncoding::std;
    ServerTagMatch server_tag_match = ServerTagMatch::domain;
    Milliseconds max_token_age{0};  // 0: no limit

    friend bool operator==(const UpstreamSettings&, const UpstreamSettings&) = default;
};

// One instance, in a reader's order: its padding costs nothing.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct Settings {
    std::vector<UpstreamSettings> upstreams;

    // Listening.
    std::vector<std::string> listen_addr{":8080"};
    std::string base_url;  // "": the request's scheme and Host
    std::vector<std::string> trusted_proxies;
    int max_connections = 20'000;
    Milliseconds max_header_time = Seconds(10);
    Milliseconds idle_timeout = Seconds(60);
    std::uint64_t client_min_rate = kKiB;  // bytes a second
    Milliseconds shutdown_grace = Seconds(8);

    // Uploads.
    int min_upload_servers = 2;
    bool allow_lower_quorum = false;
    QuorumReply quorum_reply = QuorumReply::early;
    Milliseconds quorum_linger{500};
    SuccessStatus success_status = SuccessStatus::spec;
    Nip94Urls nip94_urls = Nip94Urls::both;
    std::uint64_t max_upload_size = 2 * kGiB;
    ChunkedUploads chunked_uploads = ChunkedUploads::spool;
    DedupePut dedupe_put = DedupePut::send;
    bool mirror_private_origins = false;
    std::uint64_t verify_first_max = 256 * kKiB;
    std::uint64_t upload_window = 8 * kMiB;
    Milliseconds min_upload_timeout = std::chrono::minutes(5);
    Milliseconds max_upload_timeout = std::chrono::minutes(30);

    // Downloads.
    UpstreamMode upstream_mode = UpstreamMode::redirect;
    Strategy redirect_strategy = Strategy::round_robin;
    std::optional<Strategy> download_redirect_strategy;  // nothing: redirect_strategy
    RedirectStatus redirect_status = RedirectStatus::temporary;
    bool proxy_when_needed = true;
    UncertainRead uncertain_read = UncertainRead::bad_gateway;
    OrAuto<Milliseconds> hedge_delay{Milliseconds(100)};
    Milliseconds lookup_timeout = Seconds(3);
    Milliseconds cache_ttl = std::chrono::minutes(5);
    int cache_max_size = 1000;
    Milliseconds negative_ttl = Seconds(10);
    int negative_max_size = 65'536;
    Milliseconds map_verify_after = Seconds(10);
    Milliseconds map_save_interval = std::chrono::minutes(1);
    Hints hints = Hints::off;
    std::vector<std::string> hint_hosts;

    // Lists.
    Milliseconds list_timeout = Seconds(5);
    std::uint64_t list_upstream_max_bytes = 8 * kMiB;

    // Deletes.
    DeleteQuorum delete_quorum = DeleteQuorum::all;
    Milliseconds tombstone_ttl = std::chrono::days(30);

    // Repairs.
    Milliseconds repair_interval = std::chrono::seconds(30);
    int replicas_target = 0;
    std::uint64_t repair_bandwidth = 0;  // bytes a second; 0: no limit
    std::string service_key;             // nsec, hex or file:PATH; never shown

    // Tokens.
    AuthWrites auth_writes = AuthWrites::required;
    std::vector<std::string> allowed_pubkeys;  // hex or npub, valid
    RequireX require_x = RequireX::if_present;
    AcceptServerTags accept_server_tags = AcceptServerTags::own_or_upstream;

    // Rates; 0: no limit.
    std::uint64_t rates_ip_requests = 0;  // a minute
    std::uint64_t rates_ip_bytes = 0;     // of uploads, a day
    std::uint64_t rates_pubkey_requests = 0;
    std::uint64_t rates_pubkey_bytes = 0;

    // Upstreams.
    Milliseconds timeout = Seconds(30);
    Milliseconds stall_timeout = Seconds(30);
    int max_retries = 3;
    int max_failures = 5;
    Milliseconds refusal_ttl = std::chrono::hours(1);
    Milliseconds probe_interval = Seconds(5);
    Milliseconds probe_interval_after_fault = Seconds(1);
    Milliseconds probe_timeout = Seconds(1);
    bool capability_probe = true;

    // Resources.
    int max_goroutines = 1000;
    std::uint64_t max_memory_bytes = 512 * kMiB;
    std::uint64_t buffers_max = max_memory_bytes / 5 * 2;
    std::string spool_dir = "/var/tmp";
    std::uint64_t spool_max_bytes = 8 * kGiB;
    std::string ledger_path;  // "" only before loading; see ledger_file()

    // Logs.
    base::Level log_level = base::Level::info;
    base::Log::Format log_format = base::Log::Format::text;
    bool log_instant = false;

    std::string admin_token;  // itself or file:PATH; never shown; "": no /admin

    Strategy download_strategy() const {
        return download_redirect_strategy.value_or(redirect_strategy);
    }
    // The workers a server may have; the other threads are left the rest.
    int workers_max() const { return std::min(512, max_goroutines - 64); }

    friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace espalier::settings
