// Tokens for tests (BUD-11): good ones, and bad ones with exactly one fault.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/key.h"
#include "protocol/token.h"

namespace espalier::test {

enum class Fault : std::uint8_t {
    none,
    id,             // not the event's hash
    signature,      // not of this event
    pubkey,         // somebody else's
    duplicate_key,  // "kind" stands twice in the JSON
    json,           // cut short
    base64,         // a character that is in no alphabet
    scheme,         // "Bearer" instead of "Nostr"
    no_expiration,
    no_verb,
};

struct TokenSpec {
    std::string verb = "upload";
    std::vector<std::string> xs;       // hashes in hex
    std::vector<std::string> servers;  // server tags, verbatim
    std::int64_t created_at = 0;       // unix seconds; 0 = now
    std::int64_t expiration = 0;       // unix seconds; 0 = created_at + one hour
    int kind = protocol::kTokenKind;
    std::string content = "a test";
    std::vector<std::vector<std::string>> more_tags;
    protocol::TokenEncoding encoding = protocol::TokenEncoding::std_padded;
    Fault fault = Fault::none;
};

// A key that depends only on `n`.
protocol::SecretKey test_key(std::uint8_t n = 1);
// Its public half in hex.
std::string test_pubkey(std::uint8_t n = 1);
// The JSON of the signed event.
std::string token_json(const protocol::SecretKey& key, const TokenSpec& spec);
// The value of an Authorization header.
std::string token(const protocol::SecretKey& key, const TokenSpec& spec);
// The same for test_key().
std::string token(const TokenSpec& spec);

}  // namespace espalier::test
