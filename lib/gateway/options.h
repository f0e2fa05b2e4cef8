// What the gateway can be told; every member has a key in the configuration file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fleet/rank.h"
#include "protocol/descriptor.h"

namespace espalier::gateway {

enum class QuorumReply : std::uint8_t { early, all };
// Which servers that clients name are asked for blobs.
enum class HintPolicy : std::uint8_t { off, allowlist, anyone };

struct Options {
    std::string base_url;  // "": scheme and Host of the request
    int min_upload_servers = 2;
    bool allow_lower_quorum = false;
    QuorumReply quorum_reply = QuorumReply::early;
    base::Milliseconds quorum_linger{500};
    bool always_200 = false;  // success_status: 200
    protocol::Nip94Urls nip94_urls = protocol::Nip94Urls::both;
    bool links_to_us = false;  // redirect_strategy: local
    fleet::Strategy upload_strategy = fleet::Strategy::round_robin;
    fleet::Strategy download_strategy = fleet::Strategy::round_robin;
    int redirect_status = 307;
    bool proxies = false;           // upstream_mode: proxy
    bool proxy_when_needed = true;  // where a browser could not use the server
    bool uncertain_is_404 = false;
    HintPolicy hints = HintPolicy::off;
    std::vector<std::string> hint_hosts;  // "host" or "host:port"
    bool auth_required = true;            // auth.writes: required
    bool delete_any_suffices = false;
    base::Milliseconds tombstone_ttl = std::chrono::days{30};
    bool chunked_uploads = true;
    bool mirror_private_origins = false;
    bool dedupe_skip = false;  // dedupe_put: skip
    std::uint64_t upload_bytes_max = 2ULL << 30U;
    std::uint64_t verify_first_bytes_max = 256ULL * 1024;
    base::Milliseconds timeout{30'000};
    base::Milliseconds lookup_timeout{3'000};  // for finding out who has a blob
    base::Milliseconds list_timeout{5'000};
    std::uint64_t list_upstream_bytes_max = 8ULL << 20U;  // of JSON that one upstream may send
    int retries_max = 3;                                  // max_retries, of idempotent requests
    std::string spool_folder = "/var/tmp";
    base::Milliseconds upload_timeout_min{300'000};
    base::Milliseconds upload_timeout_max{1'800'000};
    base::Milliseconds stall_timeout{30'000};
    base::Milliseconds map_verify_after{10'000};
    std::uint64_t memory_bytes_max = 512ULL << 20U;
    std::uint64_t threads_max = 1000;
    std::string admin_token;    // "": there is no /admin
    bool logs_instant = false;  // log.instant: a line also for what reactors answer
    std::string version = "0";
};

}  // namespace espalier::gateway
