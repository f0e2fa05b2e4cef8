// A BlobHash is the name of a blob: the SHA-256 of its bytes (BUD-01).
//
// A plain value of 32 bytes; its text form is always 64 lower-case hex digits.
// Default-constructed it is all zeros, the name of no real blob.
#pragma once

#include <array>
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

// Random, once per process.
extern const std::array<std::uint64_t, 4> kTableSeeds;

}  // namespace espalier::protocol

template <>
struct std::hash<espalier::protocol::BlobHash> {
    // Whoever asks for a blob chooses its name: names that look alike must not end up in one place
    // of a table, so that all the bytes count, mixed with what nobody outside knows.
    std::size_t operator()(const espalier::protocol::BlobHash& blob) const noexcept {
        __extension__ using Wide = unsigned __int128;
        const auto& seeds = espalier::protocol::kTableSeeds;
        std::array<std::uint64_t, 4> words{};
        std::memcpy(words.data(), blob.bytes().data(), sizeof words);
        const auto mix = [](std::uint64_t a, std::uint64_t b) {
            const auto product = Wide{a} * b;
            return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
        };
        return mix(words[0] ^ seeds[0], words[1] ^ seeds[1]) ^
               mix(words[2] ^ seeds[2], words[3] ^ seeds[3]);
    }
};
