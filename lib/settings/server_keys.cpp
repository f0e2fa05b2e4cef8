#include "settings/keys.h"

namespace espalier::settings {
namespace {

using S = Settings;
using std::chrono::hours;

// Written as in the file; durations of 0 would mean "give up at once".
const Milliseconds kTick{1};
const Milliseconds kDay = hours(24);

Section<S> listening() {
    return {
        "Listening",
        {
            list_key("listen_addr", &S::listen_addr,
                     "Address to listen on, or a list of them. `:8080` = all interfaces.",
                     check_listen_address),
            key("base_url", &S::base_url,
                "This gateway's public URL, for descriptors with redirect_strategy `local` "
                "and for server tags of tokens. Empty = the request's scheme and Host.",
                check_optional_url)
                .live(),
            list_key("trusted_proxies", &S::trusted_proxies,
                     "Addresses or blocks (10.0.0.0/8) whose X-Forwarded-* are believed.",
                     check_proxy),
            key("max_connections", &S::max_connections,
                "Client connections open at the same time; more are refused.",
                between(16, 1'000'000)),
            key("max_header_time", &S::max_header_time,
                "A client has this long to send a request's head.", between(kTick, kDay)),
            key("idle_timeout", &S::idle_timeout,
                "A connection without a request is closed after this long.", between(kTick, kDay)),
            key("client_min_rate", &S::client_min_rate,
                "A client that moves fewer bytes a second than this, over 30 s, is cut off "
                "(408). 0 = never."),
            key("shutdown_grace", &S::shutdown_grace,
                "How long requests and uploads under way may take to finish on shutdown.",
                between(Milliseconds(0), kDay)),
        }};
}

Section<S> uploads() {
    return {"Uploads",
            {
                key("min_upload_servers", &S::min_upload_servers,
                    "The quorum: an upload counts when this many upstreams have stored it. The "
                    "start fails with fewer upstreams.",
                    between(1, 1000))
                    .live(),
                key("allow_lower_quorum", &S::allow_lower_quorum,
                    "Whether a client's X-Min-Upstreams may lower the quorum (raising it is "
                    "always allowed).")
                    .live(),
                key("quorum_reply", &S::quorum_reply,
                    "When an upload is answered: early = at the quorum, the rest finish behind "
                    "the reply; all = when every upstream has answered, as the Go original.")
                    .live(),
                key("quorum_linger", &S::quorum_linger,
                    "With quorum_reply early: how long to wait for the others once the quorum is "
                    "there, so that servers of equal speed all stand in the answer.",
                    between(Milliseconds(0), kDay))
                    .live(),
                key("success_status", &S::success_status,
                    "spec = 201 for a new blob, 200 for a known one (BUD-02); 200 = always 200, "
                    "as the Go original.")
                    .live(),
                key("nip94_urls", &S::nip94_urls,
                    "How nip94 names the replicas: multi = one `url` each; fallback = one `url` "
                    "and a `fallback` for each other; both = both.")
                    .live(),
                key("max_upload_size", &S::max_upload_size,
                    "Larger uploads are refused (413), from their head where possible.",
                    at_least(std::uint64_t{1}))
                    .live(),
                key("chunked_uploads", &S::chunked_uploads,
                    "Uploads without a Content-Length: spool = collect them first; reject = "
                    "refuse them (411).")
                    .live(),
                key("dedupe_put", &S::dedupe_put,
                    "send = every upstream gets every upload; skip = upstreams that already have "
                    "the announced hash get no bytes (owners there stay as they are).")
                    .live(),
                key("mirror_private_origins", &S::mirror_private_origins,
                    "Whether blobs are mirrored from private addresses too, when this gateway "
                    "fetches them. The upstreams' own addresses always may.")
                    .live(),
                key("verify_first_max", &S::verify_first_max,
                    "Uploads up to this size are hashed whole before any upstream sees a byte.")
                    .live(),
                key("upload.window", &S::upload_window,
                    "The newest bytes of an upload that stay in memory, shared by all upstreams.",
                    at_least(256 * kKiB)),
                key("min_upload_timeout", &S::min_upload_timeout,
                    "An upload has at least this long, whatever its token's expiration says.",
                    between(kTick, kDay))
                    .live(),
                key("max_upload_timeout", &S::max_upload_timeout,
                    "An upload has at most this long, whatever its token's expiration says.",
                    between(kTick, kDay))
                    .live(),
            }};
}

Section<S> downloads() {
    return {
        "Downloads",
        {
            key("upstream_mode", &S::upstream_mode,
                "How a blob reaches the client: redirect = it is sent to an upstream; proxy = this "
                "gateway fetches it, and checks it on its way. The environment variable "
                "UPSTREAM_MODE goes before this key, and sets "
                "redirect_status 302 and uncertain_read 404 unless the file has them."),
            key("redirect_strategy", &S::redirect_strategy,
                "Which replica is named first, in descriptors and redirects. fastest = of the "
                "upstream whose lookups were answered soonest lately; local = this gateway's own "
                "URL in descriptors."),
            key("download_redirect_strategy", &S::download_redirect_strategy,
                "The same for redirects alone. Empty = redirect_strategy."),
            key("redirect_status", &S::redirect_status, "The status of redirects.").live(),
            key("proxy_when_needed", &S::proxy_when_needed,
                "Whether blobs of an upstream that browsers could not use (no CORS or no length, "
                "or http while the client came by https) are fetched by this gateway instead.")
                .live(),
            key("uncertain_read", &S::uncertain_read,
                "When no upstream has the blob but some did not answer: 502 (504 if all of "
                "those timed out), or 404 as the Go original.")
                .live(),
            key("hedge_delay", &S::hedge_delay,
                "How long a better-ranked upstream may delay the answer of one that has the "
                "blob. auto = as long as 95 % of its lookups took lately, 5 ms to 1 s.",
                if_given(between(Milliseconds(0), kDay))),
            key("lookup_timeout", &S::lookup_timeout,
                "How long the upstreams have to say whether they have a blob.",
                between(kTick, kDay)),
            key("cache_ttl", &S::cache_ttl,
                "How long it is remembered which upstreams have a blob.",
                between(kTick, Milliseconds(365 * kDay))),
            key("cache_max_size", &S::cache_max_size,
                "How many blobs are remembered, at about 100 bytes each.", between(1, 100'000'000)),
            key("negative_ttl", &S::negative_ttl,
                "How long it is remembered that nobody has a blob. 0 = not at all.",
                between(Milliseconds(0), kDay)),
            key("negative_max_size", &S::negative_max_size,
                "How many missing blobs are remembered.", between(1, 100'000'000)),
            key("map_verify_after", &S::map_verify_after,
                "What is remembered for longer than this is checked again behind the reply.",
                between(Milliseconds(0), Milliseconds(365 * kDay)))
                .live(),
            key("map_save_interval", &S::map_save_interval,
                "How often what is remembered is saved, so that it is known after a restart. 0 = "
                "only at the end.",
                between(Milliseconds(0), kDay)),
            key("hints", &S::hints,
                "Which servers that a client names with its request (origin, xs; BUD-10) are asked "
                "for a blob that is not on the map, and sent to: none, those of hint_hosts, or any "
                "with a public address.")
                .live(),
            list_key("hint_hosts", &S::hint_hosts,
                     "Hosts (host or host:port) that clients may name, wherever they are.",
                     check_host)
                .live(),
        }};
}

Section<S> lists() {
    return {"Lists",
            {
                key("list_timeout", &S::list_timeout,
                    "How long the upstreams have for a user's list. Who has not answered by then "
                    "is left out of it.",
                    between(kTick, kDay))
                    .live(),
                key("list_upstream_max_bytes", &S::list_upstream_max_bytes,
                    "The most JSON that is read of one upstream's list; what comes later is left "
                    "out.",
                    at_least(64 * kKiB))
                    .live(),
            }};
}

Section<S> deletes() {
    return {"Deletes",
            {
                key("delete_quorum", &S::delete_quorum,
                    "A delete succeeds when the blob is gone from all upstreams, or from any as "
                    "the Go original.")
                    .live(),
                key("tombstone_ttl", &S::tombstone_ttl,
                    "For how long a blob that was deleted is not brought back to servers that "
                    "lack it. Uploading it again ends that at once.",
                    between(Milliseconds(0), Milliseconds(365 * kDay)))
                    .live(),
            }};
}

Section<S> repairs() {
    return {
        "Repairs",
        {
            key("repair_interval", &S::repair_interval,
                "How often copies that are missing are brought to their upstreams, besides "
                "whenever one is healthy again. 0 = never.",
                between(Milliseconds(0), kDay)),
            key("replicas_target", &S::replicas_target,
                "How many copies of a blob there should be; no more are brought. 0 = one on each "
                "upstream.",
                between(0, 64)),
            key("repair_bandwidth", &S::repair_bandwidth,
                "The most bytes a second that repairs fetch, all together, where a server cannot "
                "mirror. 0 = no limit."),
            key("service_key", &S::service_key,
                "The gateway's own secret key (nsec, hex, or file:/path of a file with it), "
                "for bringing copies when the uploader's token has ended; upstreams must "
                "admit it. Empty = such copies wait.",
                check_service_key)
                .with_default("none"),
        }};
}

Section<S> tokens() {
    return {
        "Tokens",
        {
            key("auth.writes", &S::auth_writes,
                "required = a valid token (BUD-11) is checked here, in full; forward = the "
                "upstreams decide, as the Go original.")
                .live(),
            list_key("allowed_pubkeys", &S::allowed_pubkeys,
                     "Who may write: public keys as hex or npub. Empty = everyone.", check_pubkey)
                .live(),
            key("require_x", &S::require_x,
                "Whether a token must name the blob's hash: strict = always; if_present = on "
                "deletes, elsewhere only checked when there.")
                .live(),
            key("accept_server_tags", &S::accept_server_tags,
                "Which server tags a token may be limited to: own = this gateway; "
                "own_or_upstream = or one of the upstreams; any.")
                .live(),
        }};
}

Section<S> rates() {
    return {"Rates",
            {
                key("rates.ip_requests", &S::rates_ip_requests,
                    "Requests a minute of one client address (IPv6: /64); more are answered 429. "
                    "0 = no limit.")
                    .live(),
                key("rates.ip_bytes", &S::rates_ip_bytes,
                    "Bytes of uploads a day of one client address. 0 = no limit.")
                    .live(),
                key("rates.pubkey_requests", &S::rates_pubkey_requests,
                    "Requests a minute with tokens of one public key. 0 = no limit.")
                    .live(),
                key("rates.pubkey_bytes", &S::rates_pubkey_bytes,
                    "Bytes of uploads a day with tokens of one public key. 0 = no limit.")
                    .live(),
            }};
}

Section<S> upstreams() {
    return {
        "Upstreams",
        {
            key("timeout", &S::timeout,
                "How long an upstream may take for one request; uploads have their own.",
                between(kTick, kDay))
                .live(),
            key("stall_timeout", &S::stall_timeout,
                "An upstream that moves no byte for this long has failed.", between(kTick, kDay))
                .live(),
            key("max_retries", &S::max_retries,
                "Repeats of a failed request that is safe to repeat.", between(0, 100))
                .live(),
            key("max_failures", &S::max_failures,
                "An upstream is unhealthy after this many failures in a row.",
                between(1, 1'000'000)),
            key("refusal_ttl", &S::refusal_ttl,
                "An upstream that refused a size (413) or a media type (415) is left out of the "
                "like for this long, while there are enough others. 0 = not at all.",
                between(Milliseconds(0), Milliseconds(365 * kDay))),
            key("probe_interval", &S::probe_interval, "How often each upstream is probed.",
                between(Milliseconds(100), kDay)),
            key("probe_interval_after_fault", &S::probe_interval_after_fault,
                "The same after a failure; while the upstream stays down the pause doubles until "
                "it is probe_interval.",
                between(Milliseconds(100), kDay)),
            key("probe_timeout", &S::probe_timeout, "How long a probe may take.",
                between(kTick, kDay)),
            key("capability_probe", &S::capability_probe,
                "Whether each upstream is asked, at the start and every hour, which endpoints it "
                "has (HEAD /upload, PUT /mirror, HEAD /media, GET /list)."),
        }};
}

Section<S> resources() {
    return {"Resources",
            {
                key("max_goroutines", &S::max_goroutines,
                    "The most threads; /health is 503 at it. Request workers: this − 64, at most "
                    "512.",
                    between(128, 100'000)),
                key("max_memory_bytes", &S::max_memory_bytes,
                    "The most memory; /health is 503 at it. Buffers and maps must fit in 80 % of "
                    "it.",
                    at_least(32 * kMiB)),
                key("buffers_max", &S::buffers_max,
                    "Memory for bytes on their way, shared by all requests.", at_least(4 * kMiB))
                    .with_default("40 % of max_memory_bytes"),
                key("spool_dir", &S::spool_dir,
                    "Folder for uploads that outgrow their window. Its files have no name.",
                    check_folder),
                key("spool_max_bytes", &S::spool_max_bytes,
                    "The most bytes there, over all uploads. 0 = memory only."),
                key("ledger_path", &S::ledger_path,
                    "The file of what must survive a restart; one per gateway. Empty = "
                    "espalier.db in the state folder: $STATE_DIRECTORY, else "
                    "$XDG_STATE_HOME/espalier, else ~/.local/state/espalier, else spool_dir."),
            }};
}

Section<S> logs() {
    return {"Logs",
            {
                key("log.level", &S::log_level, "What is logged; -v sets debug."),
                key("log.format", &S::log_format, "One line per event, as text or as JSON."),
                key("log.instant", &S::log_instant,
                    "A line also for each request that is answered from memory, such as a redirect "
                    "of a known blob. They are counted in any case.")
                    .live(),
            }};
}

Section<S> administration() {
    return {"Administration",
            {
                key("admin.token", &S::admin_token,
                    "Who shows it sees whole hashes and keys on the dashboard and may start "
                    "repairs: at least 16 characters, or file:/path of a file with it. Empty = "
                    "nobody.",
                    check_admin_token)
                    .live()
                    .with_default("none"),
            }};
}

}  // namespace

std::vector<Section<Settings>> server_sections() {
    return {listening(), uploads(), downloads(), lists(),     deletes(), repairs(),
            tokens(),    rates(),   upstreams(), resources(), logs(),    administration()};
}

std::vector<std::string_view> later_server_keys() {
    return {"cache", "cache_dir", "cache_max_bytes", "verify", "streams"};
}

std::vector<std::string_view> later_top_keys() {
    return {"cache", "streams", "store", "relay"};
}

}  // namespace espalier::settings
