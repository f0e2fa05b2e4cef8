// What a Blossom request wants to do; the value of a token's `t` tag (BUD-11).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace espalier::protocol {

// NOLINTNEXTLINE(readability-identifier-naming): `delete` is a keyword.
enum class Verb : std::uint8_t { get, upload, list, delete_, media };

// "get", "upload", "list", "delete", "media".
std::string_view name_of(Verb verb);
std::optional<Verb> verb_of(std::string_view name);

}  // namespace espalier::protocol
