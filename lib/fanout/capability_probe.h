// The capability probes find out which optional endpoints an upstream has (sheet A.17): HEAD
// /upload, PUT /mirror and PUT /media without a body or a token, and the list of a key that nobody
// has. What the operator states is not asked.
//
// They are polite: one question at a time to an upstream, at the start and then at long
// intervals. They prove nothing of its health: a server that stumbles over an odd question may be
// well.
//
// Threads: the mover's, from start_capability_probes().
#pragma once

#include <optional>

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

// One endless Job per upstream.
void start_capability_probes(const CapabilityProbeOptions& options, Network network, Mover& mover);

}  // namespace espalier::fanout
