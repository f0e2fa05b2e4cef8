// Payments remembers which upstream a client was asked to pay (BUD-07), so that the proof goes
// there and to nobody else: a proof is good once, for one server (sheet A.11).
//
// There is no wallet here: what an upstream asks for and what a client sends is passed on.
// Bounded in count and time; a forgotten one costs the client another 402.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "fleet/outcome.h"
#include "http/reply.h"
#include "http/request.h"
#include "protocol/authorizer.h"

namespace espalier::gateway {

class Payments {
public:
    // The upstream that asked for payment of this blob, not longer than an hour ago.
    std::optional<fleet::UpstreamId> payee(const protocol::BlobHash& hash,
                                           const std::optional<protocol::Caller>& caller,
                                           base::Steady::time_point now) const;
    // Of these outcomes one is chosen to be paid; its demands are put into the reply, and who it
    // is is remembered. Nothing happens when the reply is no 402. `hash`: nothing when unknown.
    void demand(http::Reply& reply, std::span<const fleet::Outcome> outcomes,
                const std::optional<protocol::BlobHash>& hash,
                const std::optional<protocol::Caller>& caller, base::Steady::time_point now);

private:
    struct Asked {
        fleet::UpstreamId upstream = 0;
        base::Steady::time_point at;
    };
    using Table = std::unordered_map<std::string, Asked>;  // by hash and pubkey

    base::Guarded<Table> asked_;
};

// The proofs in a request: X-Cashu, X-Lightning.
base::Headers payment_proofs(const http::Head& head);

}  // namespace espalier::gateway
