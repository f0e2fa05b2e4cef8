#include "protocol/key.h"

#include <algorithm>
#include <span>

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/text.h"
#include "protocol/bech32.h"
#include "protocol/curve.h"

namespace espalier::protocol {
namespace {

constexpr std::size_t kShownBytesMax = 80;

// 32 bytes in hex of any case, or in bech32 with this prefix.
bool read_key(std::string_view text, std::string_view prefix, KeyBytes& out) {
    if (text.size() == 64) return base::from_hex(base::ascii_lower(text), out);
    auto parts = decode_bech32(text);
    if (!parts || parts->prefix != prefix) return false;
    auto bytes = from_groups(parts->groups);
    const bool fits = bytes && bytes->size() == out.size();
    if (fits) std::ranges::copy(*bytes, out.begin());
    if (bytes) wipe(*bytes);
    wipe(std::as_writable_bytes(std::span(parts->groups)));
    return fits;
}

std::string write_key(std::string_view prefix, const KeyBytes& bytes) {
    return encode_bech32({std::string(prefix), to_groups(bytes)});
}

bool is_scalar(const KeyBytes& bytes) {
    return secp256k1_ec_seckey_verify(curve(), raw(bytes.data())) == 1;
}

std::unexpected<base::Error> refuse_public(std::string_view text, std::string_view why) {
    return base::fail(base::ErrorKind::invalid,
                      base::text('"', base::one_line(text, kShownBytesMax), "\" ", why),
                      base::Origin::client);
}

}  // namespace

std::optional<PublicKey> PublicKey::parse(std::string_view hex) {
    PublicKey key;
    if (!base::from_hex(hex, key.bytes_)) return std::nullopt;
    return key;
}

base::Result<PublicKey> PublicKey::parse_any(std::string_view text) {
    const auto trimmed = base::trim(text);
    if (base::ascii_lower(trimmed.substr(0, 5)) == "nsec1")
        return base::fail(base::ErrorKind::invalid,
                          "a secret key (nsec…) stands where a public key is expected",
                          base::Origin::client);
    PublicKey key;
    if (!read_key(trimmed, "npub", key.bytes_))
        return refuse_public(text, "is neither 64 hex digits nor a valid npub");
    if (!key.is_on_curve()) return refuse_public(text, "is no public key: not on the curve");
    return key;
}

bool PublicKey::is_on_curve() const {
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(curve(), &point, raw(bytes_.data())) == 1;
}

std::string PublicKey::hex() const {
    return base::to_hex(bytes_);
}

std::string PublicKey::npub() const {
    return write_key("npub", bytes_);
}

base::Result<SecretKey> SecretKey::parse_any(std::string_view text) {
    SecretKey key{KeyBytes{}};
    if (read_key(base::trim(text), "nsec", key.bytes_) && is_scalar(key.bytes_)) return key;
    return base::fail(base::ErrorKind::invalid,
                      "the secret key is neither 64 hex digits nor a valid nsec",
                      base::Origin::client);
}

SecretKey SecretKey::generate() {
    SecretKey key{KeyBytes{}};
    // All but some 2^-128 of all draws are scalars.
    do fill_random(key.bytes_);
    while (!is_scalar(key.bytes_));
    return key;
}

SecretKey::~SecretKey() {
    wipe(bytes_);
}

PublicKey SecretKey::public_key() const {
    secp256k1_keypair pair;
    secp256k1_xonly_pubkey point;
    KeyBytes out{};
    const bool made = secp256k1_keypair_create(curve(), &pair, raw(bytes_.data())) == 1 &&
                      secp256k1_keypair_xonly_pub(curve(), &point, nullptr, &pair) == 1 &&
                      secp256k1_xonly_pubkey_serialize(curve(), raw(out.data()), &point) == 1;
    wipe(std::as_writable_bytes(std::span(pair.data)));
    ESPALIER_CHECK(made);
    return PublicKey(out);
}

std::string SecretKey::nsec() const {
    return write_key("nsec", bytes_);
}

}  // namespace espalier::protocol
