// The capability probes find out which optional endpoints an upstream has (sheet A.17): HEAD
// /upload, HEAD /media and PUT /mirror without a body or a token, and the list of a key that nobody
// has. What the operator states is not asked.
//
// They are polite: one question at a time to an upstream, at the start and then at long
// intervals. They prove nothing of its health: a server that stumbles over an odd question may be
// well.
//
// Threads: cover() from any; the asking happens on the mover.
#pragma once

#include <memory>
#include <optional>

#include "fanout/coverage.h"
#include "fanout/mover.h"
#include "fanout/network.h"

namespace espalier::fanout {

struct CapabilityProbeOptions {
    base::Milliseconds interval = std::chrono::hours{1};
    base::Milliseconds interval_after_silence = std::chrono::minutes{1};  // it did not answer
    base::Milliseconds timeout{5'000};
};

// Whether there is such an endpoint, asked so that nothing comes of it.
engine::TransferRequest capability_question(const fleet::Upstream& upstream,
                                            fleet::Endpoint endpoint, base::Deadline deadline);
// What an answer says of the endpoint; nothing when it does not tell.
std::optional<fleet::Finding> read_capability(fleet::Endpoint endpoint,
                                              const engine::TransferState& state);

class CapabilityProber {
public:
    CapabilityProber(const CapabilityProbeOptions& options, Network network, Mover& mover)
        : options_(options), network_(network), mover_(mover) {}

    // As Prober::cover().
    void cover();

private:
    const CapabilityProbeOptions options_;
    Network network_;
    Mover& mover_;
    const std::shared_ptr<Coverage> coverage_ = std::make_shared<Coverage>();  // the Jobs share it
};

}  // namespace espalier::fanout
