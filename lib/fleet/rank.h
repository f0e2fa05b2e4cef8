// rank() puts replicas in the order in which a client should be sent to them.
//
// A pure function of a snapshot; the dice are passed in. It allocates nothing, so that a
// reactor may call it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fleet/upstream.h"

namespace espalier::fleet {

enum class Strategy : std::uint8_t { round_robin, random, health_based, priority, fastest, local };

struct Candidate {
    UpstreamId id = 0;
    int priority = 0;
    std::uint32_t failures = 0;  // consecutive upstream faults
    bool healthy = true;
    bool suspect = false;      // one connection-level fault since its last success
    bool draining = false;     // its mode is drain
    std::uint32_t weight = 1;  // its share of the turns and of the luck, at least 1
    bool just_given = false;   // this client was sent there for this blob a moment ago
    std::optional<base::Milliseconds> lookup_p50 = {};  // nothing: not known
};

// Sorts best first. Whatever the strategy: healthy before suspect or unhealthy ones, those that
// drain behind all other healthy ones, and what the client was just given behind its equals.
// `dice`: a counter for round_robin, a random number for random; both give a replica as many turns
// as its weight says. `fastest` goes by the lookups' p50, the unknown last, and throws the dice for
// equals. `local` (links to the gateway) picks replicas like round_robin.
void rank(std::span<Candidate> candidates, Strategy strategy, std::uint64_t dice);

}  // namespace espalier::fleet
