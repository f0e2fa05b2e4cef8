// The Timeline remembers how the gateway did over the last fifteen minutes: a Sample every five
// seconds, made of the difference between two readings of the counters.
//
// Threads: read() by one; samples() by any.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "fleet/fleet.h"

namespace espalier::dashboard {

// Counters as they stand, over all servers.
struct Reading {
    std::uint64_t requests = 0;  // of clients
    std::uint64_t bytes_up = 0, bytes_down = 0;
    fleet::LatencyCounts lookups, uploads;
};
Reading reading_of(std::uint64_t requests, const std::vector<fleet::UpstreamSnapshot>& upstreams);

struct Sample {
    std::int64_t at = 0;                  // unix seconds
    double requests = 0;                  // a second
    double bytes_up = 0, bytes_down = 0;  // a second, to and from the servers
    // Milliseconds; nothing when there was none meanwhile.
    std::optional<double> lookup_p50, lookup_p95, upload_p50, upload_p95;
};

class Timeline {
public:
    static constexpr base::Seconds kInterval{5};
    static constexpr std::size_t kSamples = 180;

    // Adds a sample, unless this is the first reading. `now`: unix seconds, after the last one's.
    void read(std::int64_t now, const Reading& reading);
    // Those after `at`, oldest first.
    std::vector<Sample> samples(std::int64_t after = 0) const;

private:
    struct Last {
        std::int64_t at = 0;
        Reading reading;
    };
    std::optional<Last> last_;  // the reader's
    base::Guarded<std::deque<Sample>> samples_;
};

}  // namespace espalier::dashboard
