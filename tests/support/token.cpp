#include "support/token.h"

#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "protocol/event.h"
#include "support/bytes.h"

namespace espalier::test {
namespace {

protocol::Tags tags_of(const TokenSpec& spec, std::int64_t created_at) {
    protocol::Tags tags;
    if (spec.fault != Fault::no_verb) tags.push_back({"t", spec.verb});
    const auto expiration = spec.expiration != 0 ? spec.expiration : created_at + 3600;
    if (spec.fault != Fault::no_expiration)
        tags.push_back({"expiration", std::to_string(expiration)});
    for (const auto& x : spec.xs) tags.push_back({"x", x});
    for (const auto& server : spec.servers) tags.push_back({"server", server});
    tags.insert(tags.end(), spec.more_tags.begin(), spec.more_tags.end());
    return tags;
}

protocol::Event spoil(protocol::Event event, Fault fault) {
    if (fault == Fault::id) event.id[0] ^= std::byte{1};
    if (fault == Fault::signature) event.sig[0] ^= std::byte{1};
    if (fault == Fault::pubkey) event.pubkey = test_key(251).public_key();
    return event;
}

std::string spoil(std::string json, Fault fault) {
    if (fault == Fault::duplicate_key) json.insert(1, "\"kind\":1,");
    if (fault == Fault::json) json.resize(json.size() / 2);
    return json;
}

}  // namespace

protocol::SecretKey test_key(std::uint8_t n) {
    auto key = protocol::SecretKey::parse_any(sha256_hex("test key " + std::to_string(n)));
    ESPALIER_CHECK(key.has_value());
    return *std::move(key);
}

std::string test_pubkey(std::uint8_t n) {
    return test_key(n).public_key().hex();
}

std::string token_json(const protocol::SecretKey& key, const TokenSpec& spec) {
    const auto created_at = spec.created_at != 0 ? spec.created_at : base::SystemClock().unix_now();
    auto event =
        protocol::sign_event(key, created_at, spec.kind, tags_of(spec, created_at), spec.content);
    return spoil(protocol::to_json(spoil(std::move(event), spec.fault)), spec.fault);
}

std::string token(const protocol::SecretKey& key, const TokenSpec& spec) {
    auto header = protocol::authorization_header(token_json(key, spec), spec.encoding);
    if (spec.fault == Fault::base64) header.back() = '!';
    if (spec.fault == Fault::scheme) header.replace(0, 5, "Bearer");
    return header;
}

std::string token(const TokenSpec& spec) {
    return token(test_key(), spec);
}

}  // namespace espalier::test
