#include "protocol/blob_hash.h"

#include <array>
#include <random>

namespace espalier::protocol {
namespace {

constexpr std::uint8_t kNoDigit = 0xff;

// A table, because the digits of a hash are random: comparing them one by one defeats the
// branch predictor, and reactors parse a hash per request.
constexpr std::array<std::uint8_t, 256> make_digit_table() {
    std::array<std::uint8_t, 256> table{};
    table.fill(kNoDigit);
    for (std::uint8_t i = 0; i < 10; ++i) table[std::size_t{'0'} + i] = i;
    for (std::uint8_t i = 0; i < 6; ++i)
        table[std::size_t{'a'} + i] = static_cast<std::uint8_t>(i + 10);
    return table;
}

constexpr auto kDigitOf = make_digit_table();
constexpr std::string_view kDigits = "0123456789abcdef";

unsigned digit(char c) {
    return kDigitOf[static_cast<unsigned char>(c)];
}

std::array<std::uint64_t, 4> random_words() {
    std::random_device dice;
    std::array<std::uint64_t, 4> words{};
    for (auto& word : words) word = std::uint64_t{dice()} << 32U | dice();
    return words;
}

}  // namespace

const std::array<std::uint64_t, 4> kTableSeeds = random_words();

std::optional<BlobHash> BlobHash::parse(std::string_view hex) {
    if (hex.size() != kHexDigits) return std::nullopt;
    BlobHash hash;
    unsigned seen = 0;
    for (std::size_t i = 0; i < hash.bytes_.size(); ++i) {
        const unsigned high = digit(hex[2 * i]);
        const unsigned low = digit(hex[2 * i + 1]);
        seen |= high | low;
        hash.bytes_[i] = static_cast<std::byte>((high << 4U | low) & 0xffU);
    }
    if (seen > 15) return std::nullopt;
    return hash;
}

std::string BlobHash::hex() const {
    std::string out;
    out.reserve(kHexDigits);
    append_hex(out);
    return out;
}

void BlobHash::append_hex(std::string& out) const {
    std::array<char, kHexDigits> digits{};
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        const auto value = std::to_integer<unsigned>(bytes_[i]);
        digits[2 * i] = kDigits[value >> 4U];
        digits[2 * i + 1] = kDigits[value & 15U];
    }
    out.append(digits.data(), digits.size());
}

}  // namespace espalier::protocol
