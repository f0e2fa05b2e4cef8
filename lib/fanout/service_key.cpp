#include "fanout/service_key.h"

#include "protocol/token.h"

namespace espalier::fanout {

std::string ServiceKey::token(const fleet::Upstream& upstream, protocol::Verb verb,
                              const protocol::BlobHash& hash, std::int64_t now,
                              base::Seconds lifetime) const {
    return protocol::mint_token(*key_, verb, {hash}, {upstream.url.host()}, now,
                                now + lifetime.count(), "On behalf of a user of this gateway",
                                upstream.auth_encoding);
}

}  // namespace espalier::fanout
