// What /health and /stats say: the Go original's fields, names unchanged, and new ones beside
// them (sheet B.4).
//
// Pure functions of a Condition.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "metrics/vitals.h"

namespace espalier::metrics {

struct Condition {
    std::vector<fleet::UpstreamSnapshot> upstreams;
    int min_upload_servers = 2;
    Vitals vitals;
    std::uint64_t memory_bytes_max = 0;
    std::uint64_t threads_max = 0;
    bool draining = false;
    bool disk_writable = true;  // the spool's folder
    std::uint64_t missing_replicas = 0;
    std::int64_t uptime_seconds = 0;
    std::string version;

    int healthy_count() const;
    bool enough_servers() const { return healthy_count() >= min_upload_servers; }
    bool enough_memory() const { return vitals.memory_bytes < memory_bytes_max; }
    bool enough_threads() const { return vitals.threads < threads_max; }
    // 503 on /health exactly when this is false.
    bool healthy() const { return enough_servers() && enough_memory() && enough_threads(); }
};

std::string health_json(const Condition& condition);
std::string stats_json(const Condition& condition);
// A plain page that shows the same.
std::string stats_page(const Condition& condition);

}  // namespace espalier::metrics
