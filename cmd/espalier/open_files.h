// How many files and sockets this process may have open, and who may have how many of them:
// clients get what is left when upstreams, workers and databases have theirs, so that a crowd
// of clients never leaves us unable to ask anybody.
#pragma once

#include <cstdint>

namespace espalier::command {

// As many as the system allows; how many that is.
std::uint64_t raise_file_limit();

struct FileShares {
    int clients = 0;           // connections of clients
    std::uint64_t engine = 0;  // connections to upstreams that are kept open
};

// A pure function. `clients_wanted`: max_connections as configured. `workers`: at most.
FileShares share_files(std::uint64_t limit, int clients_wanted, int workers);

}  // namespace espalier::command
