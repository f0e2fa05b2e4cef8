// The Prober asks every upstream now and then for a blob that nobody has: whether it answers
// moves its health, and how it says "not here" is remembered (sheet A.17).
//
// Threads: the mover's, from start().
#pragma once

#include "fanout/mover.h"
#include "fanout/network.h"

namespace espalier::fanout {

struct ProbeOptions {
    base::Milliseconds interval{5'000};
    base::Milliseconds interval_after_fault{1'000};
    base::Milliseconds timeout{1'000};
};

// One endless Job per upstream.
void start_probes(const ProbeOptions& options, Network network, Mover& mover);

}  // namespace espalier::fanout
