// Which upstreams an operation is sent to, and which are left out before anything is sent:
// read-only, not taking such a blob or this user's, out of the token's scope, token too old for
// them, paused; and, while the quorum can be met without them, unhealthy or known to have refused
// the like (sheet A.14, A.15).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fleet/fleet.h"
#include "protocol/authorizer.h"

namespace espalier::gateway {

struct Targets {
    std::vector<fleet::UpstreamId> chosen;
    std::vector<fleet::Outcome> left_out;  // with their would-be outcome
};

// A blob to be stored, as far as a request's head describes it.
struct Offer {
    int quorum = 1;  // with so many good ones, doubtful ones are left out unless required
    std::optional<std::uint64_t> bytes = {};
    std::string_view type = {};  // Content-Type, "" when not given
};

// `caller`: nothing when the operation carries no token that we could read.
// `offer`: nothing for a delete, which goes to upstreams of every mode, well or not.
Targets choose_targets(const fleet::Fleet& fleet, const std::optional<protocol::Caller>& caller,
                       std::int64_t now, const std::optional<Offer>& offer);

// The server tag that this upstream looks for in a token: its host, or its whole URL.
std::string wanted_server_tag(const fleet::Upstream& upstream);

// The Authorization header that this upstream can read; "" without a token, or when it gets none.
// `raw`: the client's own header, used when there is no caller.
std::string authorization_for(const fleet::Upstream& upstream,
                              const std::optional<protocol::Caller>& caller, std::string_view raw);

// When what authorization_for() gives is of no use to this upstream any more, in unix seconds; far
// away when it gets none, or one that we cannot read.
std::int64_t authorized_until(const fleet::Upstream& upstream,
                              const std::optional<protocol::Caller>& caller);

// Like authorization_for(), for a question that may be asked without a token: "" also when this
// upstream would refuse it, as not meant for it or too old.
std::string authorization_if_welcome(const fleet::Upstream& upstream,
                                     const std::optional<protocol::Caller>& caller,
                                     std::string_view raw, std::int64_t now);

// For a question to all of which any answer is welcome: those that clients may be sent to; who is
// unhealthy or paused is left out while anybody else is there.
Targets choose_readable(const fleet::Fleet& fleet);

}  // namespace espalier::gateway
