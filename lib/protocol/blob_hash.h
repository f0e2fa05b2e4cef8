// A BlobHash is the name of a blob: the SHA-256 of its bytes (BUD-01).
//
// A plain value of 32 bytes; its text form is always 64 lower-case hex digits.
// Default-constructed it is all zeros, the name of no real blob.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace espalier::protocol {

class BlobHash {
public:
    static constexpr std::size_t kHexDigits = 64;

    constexpr BlobHash() = default;
    explicit constexpr BlobHash(const base::Digest& digest) : bytes_(digest) {}

    // Exactly 64 lower-case hex digits; nothing for anything else.
    static std::optional<BlobHash> parse(std::string_view hex);

    std::string hex() const;
    void append_hex(std::string& out) const;
    const base::Digest& bytes() const { return bytes_; }

    friend auto operator<=>(const BlobHash&, const BlobHash&) = default;

private:
    base::Digest bytes_{};
};

}  // namespace espalier::protocol

template <>
struct std::hash<espalier::protocol::BlobHash> {
    // A SHA-256 is already well mixed: its first 8 bytes do. They are chosen by whoever made
    // the blob, at the price of one SHA-256 per try, so tables stay bounded.
    std::size_t operator()(const espalier::protocol::BlobHash& blob) const noexcept {
        std::uint64_t first = 0;
        std::memcpy(&first, blob.bytes().data(), sizeof first);
        return static_cast<std::size_t>(first);
    }
};
