#include "http/trusted.h"

#include <algorithm>
#include <optional>

#include <arpa/inet.h>

#include "base/text.h"
#include "http/chars.h"

namespace espalier::http {
namespace {

using Address = std::array<std::uint8_t, 16>;
constexpr int kMappedBits = 96;
constexpr std::size_t kForwardedMax = 32;

std::optional<Address> parse_address(std::string_view text) {
    const std::string name(text);
    Address address{};
    if (::inet_pton(AF_INET6, name.c_str(), address.data()) == 1) return address;
    address[10] = address[11] = 0xff;
    if (::inet_pton(AF_INET, name.c_str(), address.data() + 12) == 1) return address;
    return std::nullopt;
}

bool same_front(const Address& a, const Address& b, int bits) {
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(a.begin(), a.begin() + bits / 8, b.begin())) return false;
    if (bits % 8 == 0) return true;
    return ((a[whole] ^ b[whole]) >> (8 - bits % 8)) == 0;
}

// The last element of a comma list, taken off it.
std::string_view take_last(std::string_view& list) {
    const auto comma = list.rfind(',');
    const auto last = comma == list.npos ? list : list.substr(comma + 1);
    list = comma == list.npos ? std::string_view{} : list.substr(0, comma);
    return base::trim(last);
}

}  // namespace

base::Result<Trusted> Trusted::parse(const std::vector<std::string>& entries) {
    Trusted trusted;
    for (const auto& entry : entries) {
        const auto slash = entry.find('/');
        const auto name = std::string_view(entry).substr(0, slash);
        const auto address = parse_address(name);
        const bool v6 = name.find(':') != name.npos;
        const std::uint64_t most = v6 ? 128 : 32;
        const auto bits = slash == entry.npos
                              ? std::optional(most)
                              : base::parse_number(std::string_view(entry).substr(slash + 1));
        if (!address || !bits || *bits > most) {
            return base::fail(base::ErrorKind::invalid,
                              base::text("trusted_proxies: '", entry, "' is no address or block"));
        }
        trusted.blocks_.push_back({*address, static_cast<int>(*bits) + (v6 ? 0 : kMappedBits)});
    }
    return trusted;
}

bool Trusted::includes(std::string_view address) const {
    if (blocks_.empty()) return false;
    const auto parsed = parse_address(address);
    return parsed && std::ranges::any_of(blocks_, [&](const Block& block) {
               return same_front(block.address, *parsed, block.bits);
           });
}

std::string Trusted::client_of(const Head& head, std::string_view peer) const {
    std::string client(peer);
    std::size_t looked_at = 0;
    for (auto line = head.headers.rbegin(); line != head.headers.rend(); ++line) {
        if (!base::equal_ignoring_case(line->first, "x-forwarded-for")) continue;
        for (auto list = line->second; !list.empty();) {
            const auto hop = take_last(list);
            if (++looked_at > kForwardedMax || !parse_address(hop)) return client;
            client = hop;
            if (!includes(hop)) return client;
        }
    }
    return client;
}

Forwarded read_forwarded(const Head& head, std::string_view peer, const Trusted& trusted) {
    Forwarded out{.peer = trusted.client_of(head, peer), .host = std::string(head.host)};
    out.secure = base::equal_ignoring_case(head.value("X-Forwarded-Proto"), "https");
    const auto host = head.value("X-Forwarded-Host");
    if (!host.empty() && all_of(host_char, host)) out.host = host;
    return out;
}

}  // namespace espalier::http
