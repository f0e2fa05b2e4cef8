// The Prober asks every upstream now and then for a blob that nobody has: whether it answers
// moves its health, and how it says "not here" is remembered (sheet A.17).
//
// Threads: cover() from any; the asking happens on the mover.
#pragma once

#include <atomic>
#include <memory>

#include "fanout/mover.h"
#include "fanout/network.h"

namespace espalier::fanout {

struct ProbeOptions {
    base::Milliseconds interval{5'000};
    base::Milliseconds interval_after_fault{1'000};
    base::Milliseconds timeout{1'000};
};

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
    // Bits of an UpstreamSet: who has a Job. The Jobs share it.
    const std::shared_ptr<std::atomic<std::uint64_t>> covered_ =
        std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace espalier::fanout
