// The character classes that a request head is read with (RFC 9110 section 5.6.2, RFC 3986).
//
// Pure; one table look-up per byte.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace espalier::http {

enum CharClass : std::uint8_t {
    token_char = 1,   // methods and header names
    target_char = 2,  // visible ASCII but '#', which never travels
    field_char = 4,   // header values: no control byte but the tab
    host_char = 8,    // names, addresses, brackets, a port
    digit_char = 16,
};

namespace detail {

constexpr bool is_alphanumeric(int c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr std::uint8_t classes_of(int c) {
    int classes = 0;
    const auto among = [c](std::string_view set) {
        return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (is_alphanumeric(c) || among("!#$%&'*+-.^_`|~")) classes |= token_char;
    if (c > 0x20 && c < 0x7f && c != '#') classes |= target_char;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') classes |= field_char;
    if (is_alphanumeric(c) || among("-._~:[]")) classes |= host_char;
    if (c >= '0' && c <= '9') classes |= digit_char;
    return static_cast<std::uint8_t>(classes);
}

constexpr auto kClasses = [] {
    std::array<std::uint8_t, 256> table{};
    for (int c = 0; c < 256; ++c) table[static_cast<std::size_t>(c)] = classes_of(c);
    return table;
}();

}  // namespace detail

inline bool is_a(CharClass wanted, char c) {
    return (detail::kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

// Whether every byte of `in` is of the class; true for nothing at all.
inline bool all_of(CharClass wanted, std::string_view in) {
    std::uint8_t common = 0xff;
    for (const char c : in) common &= detail::kClasses[static_cast<unsigned char>(c)];
    return (common & wanted) != 0;
}

}  // namespace espalier::http
