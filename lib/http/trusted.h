// The proxies whose X-Forwarded-* are believed: addresses and CIDR blocks.
//
// Pure, constant after construction.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/request.h"

namespace espalier::http {

class Trusted {
public:
    // Errors: invalid, naming the entry.
    static base::Result<Trusted> parse(const std::vector<std::string>& entries);

    bool includes(std::string_view address) const;
    bool empty() const { return blocks_.empty(); }

    // The client behind the trusted `peer`: the last address of X-Forwarded-For that is no
    // trusted proxy itself. An entry that is no address ends the search.
    std::string client_of(const Head& head, std::string_view peer) const;

private:
    struct Block {
        std::array<std::uint8_t, 16> address;  // IPv4 as mapped IPv6
        int bits;
    };
    std::vector<Block> blocks_;
};

// What the forwarding headers say, if they may be believed.
struct Forwarded {
    std::string peer;
    std::string host;
    bool secure = false;
};
Forwarded read_forwarded(const Head& head, std::string_view peer, const Trusted& trusted);

}  // namespace espalier::http
