// Lower-case hexadecimal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace espalier::base {

std::string to_hex(std::span<const std::byte> bytes);
// Decodes lower-case hex of exactly 2 × out.size() digits into `out`; false (and `out`
// unspecified) for anything else, upper case included.
bool from_hex(std::string_view hex, std::span<std::byte> out);

}  // namespace espalier::base
