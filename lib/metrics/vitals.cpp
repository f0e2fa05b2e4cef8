#include "metrics/vitals.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <sys/resource.h>

#include "base/text.h"

namespace espalier::metrics {
namespace {

// The number in a line of /proc/self/status such as "RssAnon:	    1234 kB".
std::uint64_t number_in(const std::string& line) {
    const auto first = line.find_first_of("0123456789");
    if (first == std::string::npos) return 0;
    const auto end = line.find_first_not_of("0123456789", first);
    return base::parse_number(std::string_view(line).substr(first, end - first)).value_or(0);
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

Vitals read_vitals() {
    Vitals vitals;
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) vitals.memory_bytes = number_in(line) * 1024;
        if (line.starts_with("Threads:")) vitals.threads = number_in(line);
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    vitals.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    return vitals;
}

std::uint64_t count_open_files() {
    std::uint64_t count = 0;
    std::error_code ignored;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", ignored), end; entry != end;
         entry.increment(ignored))
        ++count;
    return count;
}

}  // namespace espalier::metrics
