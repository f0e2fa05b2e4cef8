#include "protocol/blob_path.h"

#include <algorithm>

namespace espalier::protocol {
namespace {

constexpr std::size_t kExtensionBytesMax = 16;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_of_any_case(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool may_stand_in_extension(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
}

// What follows the hash: nothing, or a dot and an extension.
bool is_ending(std::string_view rest) {
    if (rest.empty()) return true;
    const auto extension = rest.substr(1);
    return rest.front() == '.' && !extension.empty() && extension.size() <= kExtensionBytesMax &&
           std::ranges::all_of(extension, may_stand_in_extension);
}

}  // namespace

std::expected<BlobPath, PathError> parse_blob_path(std::string_view path) {
    if (path.size() <= BlobHash::kHexDigits || path.front() != '/')
        return std::unexpected(PathError::not_a_blob);
    const auto name = path.substr(1, BlobHash::kHexDigits);
    const auto rest = path.substr(1 + BlobHash::kHexDigits);
    if (!is_ending(rest)) return std::unexpected(PathError::not_a_blob);
    if (const auto hash = BlobHash::parse(name))
        return BlobPath{*hash, std::string(rest.empty() ? rest : rest.substr(1))};
    const bool upper_case = std::ranges::all_of(name, is_hex_of_any_case);
    return std::unexpected(upper_case ? PathError::bad_hash : PathError::not_a_blob);
}

}  // namespace espalier::protocol
