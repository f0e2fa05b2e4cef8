#include "protocol/bech32.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"

namespace espalier::protocol {
namespace {

constexpr std::size_t kTextBytesMax = 90;
constexpr std::size_t kPrefixBytesMax = 83;
constexpr std::size_t kChecksumGroups = 6;
constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

bool is_printable(char c) {
    return c >= 33 && c <= 126;
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

// The BCH code of BIP-173, one group at a time.
class Checksum {
public:
    void add(std::uint8_t group) {
        constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                          0x3d4233dd, 0x2a1462b3};
        const std::uint32_t top = value_ >> 25U;
        value_ = (value_ & 0x1ffffffU) << 5U ^ group;
        for (std::uint32_t i = 0; i < kGenerator.size(); ++i)
            if ((top >> i & 1U) != 0) value_ ^= kGenerator[i];
    }
    void add_prefix(std::string_view prefix) {
        for (const char c : prefix) add(static_cast<std::uint8_t>(c >> 5));
        add(0);
        for (const char c : prefix) add(static_cast<std::uint8_t>(c & 31));
    }
    void add_all(std::span<const std::uint8_t> groups) {
        for (const auto group : groups) add(group);
    }
    std::uint32_t value() const { return value_; }

private:
    std::uint32_t value_ = 1;
};

std::array<std::uint8_t, kChecksumGroups> checksum_of(const Bech32& parts) {
    Checksum sum;
    sum.add_prefix(parts.prefix);
    sum.add_all(parts.groups);
    sum.add_all(std::array<std::uint8_t, kChecksumGroups>{});
    std::array<std::uint8_t, kChecksumGroups> groups{};
    for (std::uint32_t i = 0; i < kChecksumGroups; ++i)
        groups[i] = static_cast<std::uint8_t>((sum.value() ^ 1U) >> 5U * (5U - i) & 31U);
    return groups;
}

bool is_writable(std::string_view text) {
    return text.size() <= kTextBytesMax && std::ranges::all_of(text, is_printable) &&
           !(std::ranges::any_of(text, is_upper) && std::ranges::any_of(text, is_lower));
}

}  // namespace

std::optional<Bech32> decode_bech32(std::string_view text) {
    const auto separator = text.rfind('1');
    if (!is_writable(text) || separator == std::string_view::npos || separator == 0 ||
        text.size() - separator - 1 < kChecksumGroups)
        return std::nullopt;
    Bech32 parts{base::ascii_lower(text.substr(0, separator)), {}};
    for (const char c : text.substr(separator + 1)) {
        const auto group = kAlphabet.find(base::ascii_lower(c));
        if (group == std::string_view::npos) return std::nullopt;
        parts.groups.push_back(static_cast<std::uint8_t>(group));
    }
    Checksum sum;
    sum.add_prefix(parts.prefix);
    sum.add_all(parts.groups);
    if (sum.value() != 1) return std::nullopt;
    parts.groups.resize(parts.groups.size() - kChecksumGroups);
    return parts;
}

std::string encode_bech32(const Bech32& parts) {
    ESPALIER_CHECK(!parts.prefix.empty() && parts.prefix.size() <= kPrefixBytesMax);
    std::string out = parts.prefix + '1';
    for (const auto group : parts.groups) out.push_back(kAlphabet.at(group));
    for (const auto group : checksum_of(parts)) out.push_back(kAlphabet[group]);
    return out;
}

std::vector<std::uint8_t> to_groups(std::span<const std::byte> bytes) {
    std::vector<std::uint8_t> groups;
    groups.reserve((bytes.size() * 8 + 4) / 5);
    unsigned bits = 0;
    unsigned held = 0;
    for (const auto byte : bytes) {
        bits = (bits << 8U | std::to_integer<unsigned>(byte)) & 0xfffU;
        for (held += 8; held >= 5; held -= 5)
            groups.push_back(static_cast<std::uint8_t>(bits >> (held - 5) & 31U));
    }
    if (held > 0) groups.push_back(static_cast<std::uint8_t>(bits << (5 - held) & 31U));
    return groups;
}

std::optional<std::vector<std::byte>> from_groups(std::span<const std::uint8_t> groups) {
    std::vector<std::byte> bytes;
    bytes.reserve(groups.size() * 5 / 8);
    unsigned bits = 0;
    unsigned held = 0;
    for (const auto group : groups) {
        bits = (bits << 5U | group) & 0xfffU;
        held += 5;
        if (held < 8) continue;
        held -= 8;
        bytes.push_back(static_cast<std::byte>(bits >> held & 0xffU));
    }
    if (held > 4 || (bits & ((1U << held) - 1U)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace espalier::protocol
