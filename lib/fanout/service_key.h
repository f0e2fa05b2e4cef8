// The ServiceKey is the gateway's own Nostr key, for what it does on behalf of its users: at
// upstreams that know nobody else (auth: service_key), and when the users' tokens are of no use any
// more. Servers must admit it like a user's.
//
// Each token is good for one blob at one server, for a short time (BUD-11: `x`, `server` and
// `expiration` tags). The key itself is never shown or logged.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>

#include "fleet/upstream.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"
#include "protocol/verb.h"

namespace espalier::fanout {

class ServiceKey {
public:
    // Nothing: there is none.
    explicit ServiceKey(std::optional<protocol::SecretKey> key) : key_(std::move(key)) {}

    bool given() const { return key_.has_value(); }
    // The value of an Authorization header. Requires: given().
    std::string token(const fleet::Upstream& upstream, protocol::Verb verb,
                      const protocol::BlobHash& hash, std::int64_t now,
                      base::Seconds lifetime = kLifetime) const;

    // Long enough for a server that looks at the token only when it has the whole body.
    static constexpr base::Seconds kLifetime{600};

private:
    const std::optional<protocol::SecretKey> key_;
};

}  // namespace espalier::fanout
