// The process's own vital signs, as the kernel counts them.
#pragma once

#include <cstdint>

namespace espalier::metrics {

struct Vitals {
    std::uint64_t memory_bytes = 0;  // RssAnon: what the process itself holds
    std::uint64_t threads = 0;
    std::uint64_t open_files = 0;
    double cpu_seconds = 0;  // user and system
};

Vitals read_vitals();

}  // namespace espalier::metrics
