// A Condition is how the whole gateway is at one moment: what /health, /stats, the dashboard and
// the operator's eye go by.
//
// A value; the functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fanout/repairer.h"
#include "fleet/blob_map.h"
#include "fleet/fleet.h"
#include "metrics/vitals.h"

namespace espalier::metrics {

// How clients' reads were answered, since the start.
struct Reads {
    std::uint64_t map_hits = 0, map_misses = 0, negative_hits = 0, coalesced = 0;
    std::uint64_t redirects = 0, not_found = 0;
    std::uint64_t proxied = 0, proxied_bytes = 0, failovers = 0;
};

// Copies and what is done about missing ones.
struct Replication {
    fleet::BlobMap::Copies copies{};  // of the blobs on the map
    std::uint64_t map_entries = 0;
    std::uint64_t missing = 0;                        // in the ledger
    std::optional<std::int64_t> oldest_missing = {};  // unix seconds
    std::uint64_t tombstones = 0;
    fanout::Repairer::Snapshot repairs = {};
};

struct Refusal {
    std::string_view reason;
    std::uint64_t count = 0;
};

enum class State : std::uint8_t {
    ok,
    degraded,    // uploads and downloads work, but not all is as it should be
    reads_only,  // too few healthy servers for an upload
    down,        // no healthy server
    over_limit,  // memory or threads
    draining,    // shutting down
};
std::string_view name_of(State state);

struct Condition {
    std::vector<fleet::UpstreamSnapshot> upstreams;
    int min_upload_servers = 2;
    Vitals vitals;
    std::uint64_t memory_bytes_max = 0;
    std::uint64_t threads_max = 0;
    bool draining = false;
    bool disk_writable = true;  // the spool's folder
    std::int64_t now = 0;       // unix seconds
    std::int64_t uptime_seconds = 0;
    std::string version;
    std::string mode;            // upstream_mode
    std::uint64_t requests = 0;  // of clients, since the start
    Replication replication = {};
    Reads reads = {};
    std::vector<Refusal> refusals = {};  // of tokens
    std::uint64_t rate_limited = 0;

    int healthy_count() const;
    bool enough_servers() const { return healthy_count() >= min_upload_servers; }
    bool enough_memory() const { return vitals.memory_bytes < memory_bytes_max; }
    bool enough_threads() const { return vitals.threads < threads_max; }
    // 503 on /health exactly when this is false.
    bool healthy() const { return enough_servers() && enough_memory() && enough_threads(); }
    State state() const;
    // The state in a sentence or two for whoever looks at the dashboard.
    std::string state_in_words() const;
};

// "healthy", "suspect", "paused" or "unhealthy".
std::string_view state_of(const fleet::UpstreamSnapshot& upstream);

}  // namespace espalier::metrics
