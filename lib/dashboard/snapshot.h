// A Snapshot is what the dashboard shows at one moment: what /stats says, with the last operations
// and the timeline (sheet F.2).
//
// Pure functions.
#pragma once

#include <string>
#include <vector>

#include "dashboard/operations.h"
#include "dashboard/timeline.h"
#include "metrics/condition.h"

namespace espalier::dashboard {

// Who looks: the public sees no whole hash, key or token.
enum class Viewer : std::uint8_t { anyone, admin };

// An array of {"id", "time", "what", "hash", "pubkey", "size", "status", "reason", "ms", "over",
// "servers": [{"host", "status", "kind", "ms", "reason", "fed"}]}, in one line.
std::string operations_json(const std::vector<Operation>& operations, Viewer viewer);
// /stats and the two lists, as one object. "timeline" is an array of [time, requests a second,
// bytes up a second, bytes down a second, lookups' p50 and p95 in ms, uploads' p50 and p95 in ms],
// with null where there was none.
std::string snapshot_json(const metrics::Condition& condition,
                          const std::vector<Operation>& operations,
                          const std::vector<Sample>& samples, int indent);

}  // namespace espalier::dashboard
