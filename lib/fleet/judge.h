// judge() decides what a client is told about a write to many upstreams (sheet A.15).
//
// A pure function of the outcomes and the quorum.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "fleet/outcome.h"
#include "fleet/upstream.h"

namespace espalier::fleet {

enum class Decision : std::uint8_t { open, met, impossible };

struct Verdict {
    Decision decision = Decision::open;
    int status = 0;      // for the client; 0 while open
    std::string reason;  // one sentence, for an `impossible` one
    std::optional<base::Seconds> retry_after;
    int acknowledged = 0;  // outcomes that are ok
    int pending = 0;
};

// `outcomes` holds one per upstream, those left out before sending included; `pending` ones may
// still accept.
// met: 201 when at least one upstream said 201 or 202, else 200. Those of `required` that have an
// outcome must all be among the quorum.
Verdict judge(std::span<const Outcome> outcomes, int quorum, UpstreamSet required = {});

// The client's status for a delete sent to all: 204 when all copies are gone and at least one
// was there, 404 when none was, 502 for remainders, the common code when all refused.
// `any_suffices`: one success is enough (delete_quorum: any).
Verdict judge_delete(std::span<const Outcome> outcomes, bool any_suffices);

// The client's status for a question to all, of which one answer is enough: 200. Otherwise 501
// when no upstream offers the operation, the most frequent code when those that offer it refused,
// else 503: an empty answer would look like data loss (sheet A.8).
Verdict judge_question(std::span<const Outcome> outcomes, std::string_view what);

}  // namespace espalier::fleet
