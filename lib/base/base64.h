// Base64 (RFC 4648 sections 4 and 5). Decoding takes all four variants: standard or URL
// alphabet, even mixed, with or without padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace espalier::base {

std::string to_base64(std::string_view bytes);     // standard alphabet, padded
std::string to_base64url(std::string_view bytes);  // URL alphabet, no padding
// Nothing when a character, the length or the left-over bits are wrong.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace espalier::base
