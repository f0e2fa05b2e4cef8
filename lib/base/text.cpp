#include "base/text.h"

#include <algorithm>
#include <memory>

namespace espalier::base {

char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string ascii_lower(std::string_view in) {
    std::string out(in);
    std::ranges::transform(out, out.begin(), [](char c) { return ascii_lower(c); });
    return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b,
                              [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

std::string_view trim(std::string_view in) {
    const auto first = in.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return in.substr(first, in.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view in, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = in.find(separator);
        parts.push_back(in.substr(0, end));
        if (end == std::string_view::npos) return parts;
        in.remove_prefix(end + 1);
    }
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
    std::uint64_t number = 0;
    const char* const end = std::to_address(digits.end());
    const auto parsed = std::from_chars(std::to_address(digits.begin()), end, number);
    if (digits.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

std::string one_line(std::string_view in, std::size_t bytes_max) {
    std::string out(in.substr(0, bytes_max));
    std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
}

std::string abridged(std::string_view in) {
    constexpr std::size_t kLongest = 40, kShown = 8;
    const auto in_word = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    std::string out;
    while (!in.empty()) {
        const auto end = std::ranges::find_if_not(in, in_word);
        const auto word = in.substr(0, static_cast<std::size_t>(end - in.begin()));
        word.size() > kLongest ? out.append(word.substr(0, kShown)).append("...")
                               : out.append(word);
        in.remove_prefix(word.size());
        if (in.empty()) break;
        out.push_back(in.front());
        in.remove_prefix(1);
    }
    return out;
}

}  // namespace espalier::base
