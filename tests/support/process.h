// A Process is a child program with its output under watch. It is killed and reaped with
// its object, if it has not ended before.
//
// Threads: any; start and destruction by one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "support/changes.h"

namespace espalier::test {

// What /proc says about a living process; zeros once it has ended.
struct ProcessUsage {
    std::uint64_t peak_rss_bytes = 0;  // VmHWM
    std::uint64_t rss_anon_bytes = 0;
    double cpu_seconds = 0;  // user + system
    std::uint64_t threads = 0;
    std::uint64_t open_files = 0;
};

class Process {
public:
    struct Options {
        std::vector<std::string> argv;  // [0]: the program, found in PATH unless it has a '/'
        std::vector<std::pair<std::string, std::string>> env;  // over our own environment
        std::string cwd;                                       // "": ours
    };
    // A program that cannot be started is a broken test: the test program ends.
    explicit Process(const Options& options);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const;
    bool running() const;
    void signal(int number) const;
    // Closes the child's standard input, after `text`.
    void send_input(std::string_view text);

    // Lines of standard output and standard error, in order of arrival.
    std::vector<std::string> lines() const;
    std::string output() const;
    // Waits for a line that contains `part`, old lines included; nothing if the child ended
    // or time ran out without one.
    std::optional<std::string> wait_for_line(std::string_view part,
                                             base::Milliseconds patience = kPatience);
    // The exit code, or 128 + the signal that ended it; nothing if it still runs. All its
    // output has been read then.
    std::optional<int> wait_exit(base::Milliseconds patience = kPatience);
    ProcessUsage usage() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace espalier::test
