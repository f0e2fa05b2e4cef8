// fan_out() makes one small request to each of several upstreams at once and waits for the
// answers: DELETE, the upload preflight, and the like.
//
// Threads: the caller's, which waits on a Bell of its own.
#pragma once

#include <functional>
#include <vector>

#include "fanout/network.h"

namespace espalier::fanout {

struct FanLeg {
    fleet::UpstreamId upstream = 0;
    engine::TransferRequest request;
};

struct FanRules {
    fleet::Op op = fleet::Op::lookup;
    bool optional_endpoint = false;
    // Makes an outcome of a finished exchange; empty: outcome_of().
    std::function<fleet::Outcome(const fleet::Upstream&, const engine::TransferState&)> read;
    // A leg that failed below HTTP is tried again this often, 100 ms, 200 ms, 400 ms … later,
    // unless its upstream is unhealthy.
    // Requires: the operation is idempotent.
    int retries_max = 0;
    // When true for the outcomes so far, the rest are cancelled. May be empty: wait for all.
    std::function<bool(const std::vector<fleet::Outcome>&)> enough;
};

// One outcome per leg, in their order. Every request carries its own deadline.
std::vector<fleet::Outcome> fan_out(Network network, std::vector<FanLeg> legs,
                                    const FanRules& rules);

}  // namespace espalier::fanout
