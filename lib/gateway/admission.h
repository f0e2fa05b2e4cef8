// Who may write: the token check that all writing endpoints share.
#pragma once

#include <expected>
#include <optional>

#include "gateway/parts.h"
#include "http/reply.h"
#include "http/request.h"

namespace espalier::gateway {

// What a write may go on with. Without a caller the upstreams decide on the raw header.
struct Admission {
    std::optional<protocol::Caller> caller;
    std::string_view raw_header;  // valid as long as the request
};

// The caller's public key in hex, "" without one.
std::string owner_of(const Admission& admission);

// With `auth.writes: required` the token must be valid, and its key within its rates, else the
// refusal's Reply. With
// `forward` a token that we cannot read is passed on as it is.
std::expected<Admission, http::Reply> admit(const Parts& parts, const http::Request& request,
                                            protocol::Verb verb,
                                            const std::optional<protocol::BlobHash>& hash);

// 429, and when to come again; counted.
http::Reply too_much(const Parts& parts, std::string_view whom, base::Seconds wait);

// Our own name for server tags: base_url when set, else the request's Host.
std::string own_host(const Options& options, const http::Request& request);
// Where clients find us: base_url, or scheme and Host of the request; no trailing slash.
std::string own_url(const Options& options, const http::Request& request);
// Whether this URL is ours.
bool leads_here(const Options& options, const http::Request& request, const engine::Url& url);
// The Authorization header for one blob at this upstream: the gateway's own where it signs for its
// users, which needs the hash, else authorization_for().
std::string authorization_for_blob(const Parts& parts, const fleet::Upstream& upstream,
                                   const Admission& admission, protocol::Verb verb,
                                   const std::optional<protocol::BlobHash>& hash);
// X-SHA-256: nothing when absent. Errors: invalid.
base::Result<std::optional<protocol::BlobHash>> promised_hash(const http::Head& head);

}  // namespace espalier::gateway
