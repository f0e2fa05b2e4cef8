#include "fanout/service_key.h"

#include "protocol/token.h"

namespace espalier::fanout {
namespace {

// Long enough for a server that looks at the token only when it has the whole body.
constexpr std::int64_t kLifetime = 600;

}  // namespace

std::string ServiceKey::token(const fleet::Upstream& upstream, protocol::Verb verb,
                              const protocol::BlobHash& hash, std::int64_t now) const {
    return protocol::mint_token(*key_, verb, {hash}, {upstream.url.host()}, now, now + kLifetime,
                                "On behalf of a user of this gateway", upstream.auth_encoding);
}

}  // namespace espalier::fanout
