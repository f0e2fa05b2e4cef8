// Rates bound what one client address and one public key may ask for: so many requests a minute,
// so many bytes of uploads a day (sheet A.18). Each is a bucket that fills evenly, so that a
// client who has been quiet may ask for a whole minute's worth at once.
//
// Bounded: of more clients than `clients_max` at a time the least restricted is forgotten.
// An IPv6 client is its /64.
//
// Threads: any. Time is passed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "protocol/key.h"

namespace espalier::gateway {

// 0: no limit.
struct RateLimits {
    std::uint64_t requests_per_minute = 0;
    std::uint64_t bytes_per_day = 0;

    bool any() const { return requests_per_minute != 0 || bytes_per_day != 0; }
};

// The buckets of one kind of client.
class RateTable {
public:
    RateTable(const RateLimits& limits, std::size_t clients_max)
        : limits_(limits), clients_max_(clients_max) {}

    // Counts a request with so many bytes; when it does not fit, nothing is counted and this is
    // how long to wait, at least a second.
    std::optional<base::Seconds> take(const std::string& client, std::uint64_t bytes,
                                      base::Steady::time_point now);
    // Counts bytes that have come already: the next request waits for them.
    void charge(const std::string& client, std::uint64_t bytes, base::Steady::time_point now);
    bool on() const { return limits_.any(); }

private:
    struct Buckets {
        double requests = 0, bytes = 0;  // what may still be taken
        base::Steady::time_point filled;
    };
    using Table = std::unordered_map<std::string, Buckets>;

    Buckets& filled(Table& table, const std::string& client, base::Steady::time_point now) const;
    void fill(Buckets& buckets, base::Steady::time_point now) const;
    void make_room(Table& table, base::Steady::time_point now) const;

    const RateLimits limits_;
    const std::size_t clients_max_;
    base::Guarded<Table> table_;
};

class Rates {
public:
    struct Options {
        RateLimits address, pubkey;
        std::size_t clients_max = 65'536;  // of each kind
    };

    explicit Rates(const Options& options)
        : addresses_(options.address, options.clients_max),
          pubkeys_(options.pubkey, options.clients_max) {}

    // As RateTable::take().
    std::optional<base::Seconds> take(std::string_view address, std::uint64_t bytes,
                                      base::Steady::time_point now);
    std::optional<base::Seconds> take(const protocol::PublicKey& pubkey, std::uint64_t bytes,
                                      base::Steady::time_point now);
    // For an upload whose length was not known before.
    void charge(std::string_view address, const std::optional<protocol::PublicKey>& pubkey,
                std::uint64_t bytes, base::Steady::time_point now);
    // Whether addresses are looked at: then a reactor answers nothing by itself.
    bool bounds_addresses() const { return addresses_.on(); }

private:
    RateTable addresses_, pubkeys_;
};

// What counts as one client: the address, or an IPv6 address's first 64 bits.
std::string client_of(std::string_view address);

}  // namespace espalier::gateway
