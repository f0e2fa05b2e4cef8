// Rules between keys: what each value alone cannot show.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "settings/reader.h"
#include "settings/report.h"
#include "settings/settings.h"

namespace espalier::settings {

// What the map of blobs costs: a BlobMap entry is at most this long.
inline constexpr std::uint64_t kMapEntryBytes = 100;

// Where things were said, for the messages.
struct Places {
    int upstreams = 1;
    std::vector<int> upstream;          // the line of each entry
    std::vector<Lines> upstream_lines;  // and of its keys
    int server = 1;
    Lines server_lines;

    int server_line(std::string_view key) const;
    int upstream_line(std::size_t index, std::string_view key) const;
};

void check_rules(const Settings& settings, const Places& places, Report& report);

}  // namespace espalier::settings
