#include "engine/address.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace espalier::engine {
namespace {

using Bytes6 = std::array<std::uint8_t, 16>;

struct Range4 {
    std::uint32_t first;
    unsigned bits;
};

constexpr std::uint32_t quad(unsigned a, unsigned b, unsigned c, unsigned d) {
    return a << 24U | b << 16U | c << 8U | d;
}

constexpr std::array kNotPublic4 = {
    Range4{quad(0, 0, 0, 0), 8},        // this network
    Range4{quad(10, 0, 0, 0), 8},       // private
    Range4{quad(100, 64, 0, 0), 10},    // shared address space (CGNAT)
    Range4{quad(127, 0, 0, 0), 8},      // loopback
    Range4{quad(169, 254, 0, 0), 16},   // link-local
    Range4{quad(172, 16, 0, 0), 12},    // private
    Range4{quad(192, 0, 0, 0), 24},     // protocol assignments
    Range4{quad(192, 0, 2, 0), 24},     // documentation
    Range4{quad(192, 88, 99, 0), 24},   // 6to4 relays, deprecated
    Range4{quad(192, 168, 0, 0), 16},   // private
    Range4{quad(198, 18, 0, 0), 15},    // benchmarking
    Range4{quad(198, 51, 100, 0), 24},  // documentation
    Range4{quad(203, 0, 113, 0), 24},   // documentation
    Range4{quad(224, 0, 0, 0), 4},      // multicast
    Range4{quad(240, 0, 0, 0), 4},      // reserved, broadcast
};

struct Range6 {
    Bytes6 first;
    unsigned bits;
};

// Of 2000::/3, the only part of IPv6 that is given out as global unicast.
constexpr std::array kNotPublic6 = {
    Range6{{0x20, 0x01}, 23},              // protocol assignments: Teredo, ORCHID …
    Range6{{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    Range6{{0x3f, 0xff}, 20},              // documentation
};

constexpr Range6 kMapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr Range6 kNat64{{0x00, 0x64, 0xff, 0x9b}, 96};
constexpr Range6 k6to4{{0x20, 0x02}, 16};
constexpr Range6 kGlobalUnicast{{0x20}, 3};

bool is_in(const Range4& range, std::uint32_t address) {
    return ((address ^ range.first) >> (32U - range.bits)) == 0;
}

bool is_in(const Range6& range, const Bytes6& address) {
    const std::size_t whole = range.bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, range.first.begin())) return false;
    const unsigned rest = range.bits % 8;
    return rest == 0 || ((address[whole] ^ range.first[whole]) >> (8U - rest)) == 0;
}

bool is_public4(std::uint32_t address) {
    return std::ranges::none_of(kNotPublic4, [&](const auto& r) { return is_in(r, address); });
}

std::uint32_t carried(const Bytes6& address, std::size_t at) {
    return quad(address[at], address[at + 1], address[at + 2], address[at + 3]);
}

bool is_public6(const Bytes6& address) {
    if (is_in(kMapped, address) || is_in(kNat64, address)) return is_public4(carried(address, 12));
    if (is_in(k6to4, address)) return is_public4(carried(address, 2));
    if (!is_in(kGlobalUnicast, address)) return false;
    return std::ranges::none_of(kNotPublic6, [&](const auto& r) { return is_in(r, address); });
}

Bytes6 bytes_of(const in6_addr& address) {
    Bytes6 bytes;
    std::memcpy(bytes.data(), &address, bytes.size());
    return bytes;
}

}  // namespace

bool is_public(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        return is_public4(ntohl(v4.sin_addr.s_addr));
    }
    if (address.sa_family != AF_INET6) return false;
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    return is_public6(bytes_of(v6.sin6_addr));
}

bool is_public(const std::string& address) {
    in_addr v4{};
    if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return is_public4(ntohl(v4.s_addr));
    in6_addr v6{};
    return ::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && is_public6(bytes_of(v6));
}

}  // namespace espalier::engine
