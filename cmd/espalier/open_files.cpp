#include "open_files.h"

#include <algorithm>

#include <sys/resource.h>

namespace espalier::command {

std::uint64_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // POSIX's least for a server
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

FileShares share_files(std::uint64_t limit, int clients_wanted, int workers) {
    constexpr std::uint64_t kEngine = 4096;
    constexpr std::uint64_t kPerWorker = 3;  // its Bell, a Spool's file, a database
    constexpr std::uint64_t kRest = 256;     // databases, threads' own, what the system opens
    const auto engine = std::min(kEngine, limit / 4);
    const auto ours = engine + kPerWorker * static_cast<std::uint64_t>(workers) + kRest;
    // Where the limit is tiny, the workers will not all be there at once.
    const auto left = std::max(limit > ours ? limit - ours : 0, limit / 4);
    const auto wanted = static_cast<std::uint64_t>(clients_wanted);
    return {.clients = static_cast<int>(std::min(wanted, left)), .engine = engine};
}

}  // namespace espalier::command
