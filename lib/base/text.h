// Small pieces of text handling: joining, ASCII case, trimming, splitting.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::base {

inline void append_text(std::string& out, std::string_view piece) {
    out.append(piece);
}
inline void append_text(std::string& out, char piece) {
    out.push_back(piece);
}
template <std::integral Number>
    requires(!std::same_as<Number, char> && !std::same_as<Number, bool>)
void append_text(std::string& out, Number number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

// The pieces (strings, characters, integers) one after the other.
template <class... Pieces>
std::string text(const Pieces&... pieces) {
    std::string out;
    (append_text(out, pieces), ...);
    return out;
}

char ascii_lower(char c);
std::string ascii_lower(std::string_view in);
bool equal_ignoring_case(std::string_view a, std::string_view b);
// Without leading and trailing spaces and tabs.
std::string_view trim(std::string_view in);
// The parts between the separators, empty ones included, untrimmed.
std::vector<std::string_view> split(std::string_view in, char separator);
// A whole decimal number and nothing else: no sign, no space; nothing if it does not fit.
std::optional<std::uint64_t> parse_number(std::string_view digits);
// One printable ASCII line of at most `bytes_max` bytes; other bytes become '?'.
std::string one_line(std::string_view in, std::size_t bytes_max);
// Words of letters and digits that are longer than 40 (hashes, keys, tokens) cut to their first 8
// and "...", for eyes that need not see them whole.
std::string abridged(std::string_view in);

}  // namespace espalier::base
