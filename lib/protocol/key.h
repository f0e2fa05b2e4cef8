// Nostr keys: points and scalars of secp256k1 as BIP-340 writes them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace espalier::protocol {

using KeyBytes = std::array<std::byte, 32>;

// An x-only public key: who somebody is. Whether its 32 bytes really are a point of the
// curve is seen when a signature is checked, or by is_on_curve().
class PublicKey {
public:
    constexpr PublicKey() = default;
    explicit constexpr PublicKey(const KeyBytes& bytes) : bytes_(bytes) {}

    // Exactly 64 lower-case hex digits (NIP-01).
    static std::optional<PublicKey> parse(std::string_view hex);
    // 64 hex digits of any case or "npub1…" (NIP-19), of a point on the curve. The error,
    // `invalid`, names the offending text, unless that is a secret key.
    static base::Result<PublicKey> parse_any(std::string_view text);

    bool is_on_curve() const;
    std::string hex() const;
    std::string npub() const;
    const KeyBytes& bytes() const { return bytes_; }

    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

private:
    KeyBytes bytes_{};
};

// A secret key: the power to sign. Every copy wipes itself when it dies; it is never part
// of an error or a log line.
class SecretKey {
public:
    // 64 hex digits of any case or "nsec1…"; the error, `invalid`, repeats nothing of `text`.
    static base::Result<SecretKey> parse_any(std::string_view text);
    // A fresh one from the kernel's random source.
    static SecretKey generate();

    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;
    ~SecretKey();

    PublicKey public_key() const;
    std::string nsec() const;
    const KeyBytes& bytes() const { return bytes_; }

private:
    explicit SecretKey(const KeyBytes& bytes) : bytes_(bytes) {}
    KeyBytes bytes_{};
};

}  // namespace espalier::protocol

template <>
struct std::hash<espalier::protocol::PublicKey> {
    std::size_t operator()(const espalier::protocol::PublicKey& key) const noexcept {
        std::uint64_t first = 0;
        std::memcpy(&first, key.bytes().data(), sizeof first);
        return static_cast<std::size_t>(first);
    }
};
