// The Prober asks every upstream now and then for a blob that nobody has: whether it answers
// moves its health, how it says "not here" is remembered (sheet A.17), and how far its clock is
// off is noted.
//
// The first fault is followed by a closer look; an upstream that stays down is asked less and less
// often, until it is asked as often as one that is well.
//
// Threads: cover() from any; the asking happens on the mover.
#pragma once

#include <memory>

#include "fanout/coverage.h"
#include "fanout/mover.h"
#include "fanout/network.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

struct ProbeOptions {
    base::Milliseconds interval{5'000};
    base::Milliseconds interval_after_fault{1'000};  // doubled until it is `interval`
    base::Milliseconds timeout{1'000};
};

// Of a blob that nobody has.
protocol::BlobHash random_hash();

// The pause before the next probe. `failures`: probes in a row that failed; `faulty`: somebody has
// seen a fault since its last success.
base::Milliseconds probe_pause(const ProbeOptions& options, std::uint32_t failures, bool faulty,
                               std::uint64_t dice);

class Prober {
public:
    Prober(const ProbeOptions& options, Network network, Mover& mover)
        : options_(options), network_(network), mover_(mover) {}

    // Starts a Job for each upstream in use that has none; it ends when the upstream is in use no
    // more. To be called again when the upstreams have been replaced.
    void cover();

private:
    const ProbeOptions options_;
    Network network_;
    Mover& mover_;
    const std::shared_ptr<Coverage> coverage_ = std::make_shared<Coverage>();  // the Jobs share it
};

}  // namespace espalier::fanout
