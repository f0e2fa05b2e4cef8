// Tokens: the Authorization header values of Blossom, "Nostr <base64 of a signed event>"
// (BUD-11). Whoever holds one may use it: never log or store them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/blob_hash.h"
#include "protocol/key.h"
#include "protocol/verb.h"

namespace espalier::protocol {

inline constexpr int kTokenKind = 24242;

// BUD-11 asks for `url`, most deployed servers read only `std_padded`. The signature covers
// the event, not its encoding, so a token may be written anew for each upstream.
enum class TokenEncoding : std::uint8_t { std_padded, url };

// `event_json` as the client signed it, byte for byte.
std::string authorization_header(std::string_view event_json, TokenEncoding encoding);

// A fresh token as a header value. `xs` and `servers` (bare host names) narrow
// it, none = everything. Times are unix seconds. `content` is for humans.
std::string mint_token(const SecretKey& key, Verb verb, const std::vector<BlobHash>& xs,
                       const std::vector<std::string>& servers, std::int64_t now,
                       std::int64_t expires, std::string_view content,
                       TokenEncoding encoding = TokenEncoding::std_padded);

}  // namespace espalier::protocol
