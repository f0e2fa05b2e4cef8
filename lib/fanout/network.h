// The Network is what every verb over many servers works with: who the upstreams are, what
// they hold, and the engine that talks to them.
//
// Threads: references to objects that are safe for any.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "fleet/blob_map.h"
#include "fleet/fleet.h"
#include "ledger/ledger.h"

namespace espalier::fanout {

struct Network {
    engine::Engine& engine;
    fleet::Fleet& fleet;
    fleet::BlobMap& map;
    const base::Clock& clock;
    base::Log& log;
};

// A request to `upstream`: `path` begins with '/' and is appended to the upstream's URL.
engine::TransferRequest request_to(const fleet::Upstream& upstream, std::string_view method,
                                   std::string_view path, base::Deadline deadline);

// The exchange has its share of this rate; null: no limit.
void limit(engine::TransferRequest& request, const std::shared_ptr<engine::Rate>& rate);
// So many bytes more, or fewer, are stored there; it counts where the operator has set a quota.
void count_stored(const Network& network, ledger::Ledger& ledger, const fleet::Upstream& upstream,
                  std::int64_t bytes);
// Starts the exchange, and counts it as in flight until it is reported with record().
engine::Transfer start(Network& network, const fleet::Upstream& upstream,
                       engine::TransferRequest request, std::shared_ptr<base::Bell> bell);
// Counts a finished exchange (outcome, bytes, in-flight) and logs what went wrong, so that every
// refusal and fault has a line that says who, what and why.
void record(Network& network, fleet::Op op, const fleet::Outcome& outcome,
            const engine::TransferState& state);

}  // namespace espalier::fanout
