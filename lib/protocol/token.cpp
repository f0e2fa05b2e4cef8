#include "protocol/token.h"

#include "base/base64.h"
#include "base/text.h"
#include "protocol/event.h"

namespace espalier::protocol {

std::string authorization_header(std::string_view event_json, TokenEncoding encoding) {
    return "Nostr " + (encoding == TokenEncoding::url ? base::to_base64url(event_json)
                                                      : base::to_base64(event_json));
}

std::string mint_token(const SecretKey& key, Verb verb, const std::vector<BlobHash>& xs,
                       const std::vector<std::string>& servers, std::int64_t now,
                       std::int64_t expires, std::string_view content, TokenEncoding encoding) {
    Tags tags{{"t", std::string(name_of(verb))}, {"expiration", base::text(expires)}};
    for (const auto& hash : xs) tags.push_back({"x", hash.hex()});
    for (const auto& server : servers) tags.push_back({"server", server});
    const auto event = sign_event(key, now, kTokenKind, std::move(tags), std::string(content));
    return authorization_header(to_json(event), encoding);
}

}  // namespace espalier::protocol
