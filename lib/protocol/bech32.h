// Bech32 text (BIP-173) as NIP-19 uses it for keys: a human-readable part, '1', groups of
// five bits, a checksum of six characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::protocol {

struct Bech32 {
    std::string prefix;                // the human-readable part, lower case
    std::vector<std::uint8_t> groups;  // 0…31 each, without the checksum
};

// Nothing for text that is mixed in case, longer than 90 characters, or whose characters or
// checksum are wrong.
std::optional<Bech32> decode_bech32(std::string_view text);
// Lower case. Requires: a prefix of 1…83 printable ASCII characters, groups below 32.
std::string encode_bech32(const Bech32& parts);

// Eight bits to five, the last group filled up with zeros.
std::vector<std::uint8_t> to_groups(std::span<const std::byte> bytes);
// Five bits to eight; nothing if more than four bits, or bits that are not zero, are left.
std::optional<std::vector<std::byte>> from_groups(std::span<const std::uint8_t> groups);

}  // namespace espalier::protocol
