#include "base/base64.h"

#include <algorithm>
#include <cstdint>

namespace espalier::base {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::uint32_t octet(std::string_view bytes, std::size_t i) {
    return i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : 0U;
}

std::string encode(std::string_view bytes, std::string_view alphabet, bool padded) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto group = octet(bytes, i) << 16U | octet(bytes, i + 1) << 8U | octet(bytes, i + 2);
        const std::size_t digits = std::min<std::size_t>(bytes.size() - i, 3) + 1;
        for (std::size_t d = 0; d < 4; ++d) {
            if (d < digits)
                out.push_back(alphabet[group >> (18U - 6U * d) & 63U]);
            else if (padded)
                out.push_back('=');
        }
    }
    return out;
}

int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

std::string_view without_padding(std::string_view text) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    return text;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
    return encode(bytes, kStandard, true);
}
std::string to_base64url(std::string_view bytes) {
    return encode(bytes, kUrl, false);
}

std::optional<std::string> from_base64(std::string_view text) {
    const auto digits = without_padding(text);
    if (digits.size() % 4 == 1) return std::nullopt;
    if (digits.size() != text.size() && text.size() % 4 != 0) return std::nullopt;
    std::string out;
    out.reserve(digits.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : digits) {
        const int value = digit(c);
        if (value < 0) return std::nullopt;
        bits = (bits << 6U | static_cast<std::uint32_t>(value)) & 0xfffU;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out.push_back(static_cast<char>(bits >> held & 0xffU));
        }
    }
    if ((bits & ((1U << held) - 1U)) != 0) return std::nullopt;
    return out;
}

}  // namespace espalier::base
