#include "support/bytes.h"

#include <cstring>

#include "base/hex.h"
#include "base/sha256.h"

namespace espalier::test {

std::string sha256_hex(std::string_view bytes) {
    return base::to_hex(base::Sha256::of(bytes));
}

std::string make_bytes(std::size_t size, std::uint64_t seed) {
    std::string out(size, '\0');
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + size + 1;
    for (std::size_t at = 0; at < size; at += sizeof state) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        std::memcpy(out.data() + at, &state, std::min(sizeof state, size - at));
    }
    return out;
}

}  // namespace espalier::test
