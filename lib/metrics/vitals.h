// The process's own vital signs, as the kernel counts them.
#pragma once

#include <cstdint>

namespace espalier::metrics {

struct Vitals {
    std::uint64_t memory_bytes = 0;  // RssAnon: what the process itself holds
    std::uint64_t threads = 0;
    double cpu_seconds = 0;  // user and system
};

Vitals read_vitals();
// Takes longer the more there are: some milliseconds for ten thousand.
std::uint64_t count_open_files();

}  // namespace espalier::metrics
