// Bytes to send and their names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace espalier::test {

// The SHA-256 of `bytes` as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
// `size` bytes that look random and depend only on `size` and `seed`.
std::string make_bytes(std::size_t size, std::uint64_t seed = 1);

}  // namespace espalier::test
