// An Outcome is what one upstream made of one operation: who, what, why (sheet A.15).
//
// Only `upstream_fault` is the upstream's own fault; nothing else moves its health.
//
// Pure values and functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/headers.h"
#include "engine/transfer.h"
#include "fleet/upstream.h"

namespace espalier::fleet {

enum class Op : std::uint8_t {
    upload,
    download,
    mirror,
    remove,
    list,
    report,
    lookup,
    preflight,
    probe,
    capability,  // a question whether there is such an endpoint
};
inline constexpr std::size_t kOps = 10;
std::string_view name_of(Op op);

enum class OutcomeKind : std::uint8_t {
    pending,         // no answer yet
    ok,              //
    client_fault,    // 400 401 403 409 411 413 415 422 and other 4xx
    pay,             // 402
    throttle,        // 429
    capability,      // 404 405 501 on an optional endpoint; 3xx on a PUT
    upstream_fault,  // 5xx, timeout, TLS, reset, wrong hash
    out_of_scope,    // the token does not name this upstream: nothing was sent
    cancelled,       // given up by us or by the client
};
std::string_view name_of(OutcomeKind kind);

// How servers ask for payment, and clients prove it (BUD-07).
inline constexpr std::array<std::string_view, 2> kPaymentHeaders{"X-Cashu", "X-Lightning"};

// How an exchange broke below HTTP.
enum class Break : std::uint8_t { none, refused, tls, timeout, reset };

struct Outcome {
    UpstreamId upstream = 0;
    OutcomeKind kind = OutcomeKind::pending;
    int status = 0;  // 0: no HTTP answer
    Break broken = Break::none;
    bool sent = true;    // false: left out before anything was sent, `kind` is the would-be one
    std::string reason;  // one line, free of internal addresses
    std::optional<base::Seconds> retry_after;
    base::Milliseconds elapsed{0};
    base::Headers payment = {};  // of a 402: what it asks for
    bool wrong_hash = false;     // it sent or stored other bytes than those of the name

    // What stands in X-Upstream-Results: the status, or a word.
    std::string word() const;
};

// Classifies a finished exchange. `optional_endpoint`: 404, 405 and 501 mean that the upstream
// does not offer the operation at all.
Outcome outcome_of(const Upstream& upstream, const engine::TransferState& state,
                   bool optional_endpoint);
// Failures by what an operator would call them: a closed set.
enum class Failure : std::uint8_t {
    unauthorized,        // 401
    payment_required,    // 402
    forbidden,           // 403
    too_large,           // 413
    unsupported_type,    // 415
    too_many_requests,   // 429
    other_client_error,  // other 4xx
    server_error,        // 5xx
    timeout,
    refused,
    tls,
    reset,
    wrong_hash,
    out_of_scope,
    other,
};
inline constexpr std::size_t kFailures = 15;
std::string_view name_of(Failure failure);  // "401", "5xx", "timeout" …
// Nothing for an outcome that is none, or no failure.
std::optional<Failure> failure_of(const Outcome& outcome);

// An exchange that was never begun.
Outcome left_out(UpstreamId upstream, OutcomeKind kind, int status, std::string reason);
// A Retry-After in seconds (RFC 9110 section 10.2.3; dates are not understood), capped at an
// hour.
std::optional<base::Seconds> parse_retry_after(std::string_view value);

}  // namespace espalier::fleet
