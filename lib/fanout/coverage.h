// A Coverage says which upstreams have a Job of some kind, so that each in use has exactly one,
// also when the upstreams are replaced.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "fleet/fleet.h"

namespace espalier::fanout {

class Coverage {
public:
    // False: it has one already.
    bool take(fleet::UpstreamId id) { return (bits_.fetch_or(bit(id)) & bit(id)) == 0; }
    // For the Job: whether the upstream is in use no more, so that the Job ends. It may come back
    // at any moment: who then finds the place free starts another Job.
    bool leaves(const fleet::Fleet& fleet, fleet::UpstreamId id) {
        if (fleet.in_use().has(id)) return false;
        bits_.fetch_and(~bit(id));
        return !fleet.in_use().has(id) || !take(id);
    }

private:
    static std::uint64_t bit(fleet::UpstreamId id) { return std::uint64_t{1} << id; }

    std::atomic<std::uint64_t> bits_{0};
};

}  // namespace espalier::fanout
