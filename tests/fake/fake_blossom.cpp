// A fake Blossom server as a program, for clients that are not tests of ours.
//
//   fake_blossom [--profile NAME] [--port N] [--log]
//
// Prints "listening on http://127.0.0.1:PORT" and runs until its standard input ends or
// SIGTERM or SIGINT comes. --log prints a line per request.
#include <array>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "support/fake_server.h"
#include "support/profiles.h"

namespace {

using espalier::base::text;

struct Arguments {
    std::string profile = "plain";
    std::uint16_t port = 0;
    bool log = false;
};

std::optional<Arguments> parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view flag = argv[i];
        const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
        if (flag == "--log") {
            arguments.log = true;
            continue;
        }
        ++i;
        const auto port = espalier::base::parse_number(value);
        if (flag == "--profile" && !value.empty())
            arguments.profile = value;
        else if (flag == "--port" && port && *port <= 65535)
            arguments.port = static_cast<std::uint16_t>(*port);
        else
            return std::nullopt;
    }
    return arguments;
}

void say(std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
}

int refuse() {
    std::string names;
    for (const auto name : espalier::test::profile_names()) names += text(" ", name);
    say("usage: fake_blossom [--profile NAME] [--port N] [--log]");
    say(text("profiles:", names));
    return 2;
}

// Signals that end us, as something to poll.
espalier::base::Fd end_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return espalier::base::Fd(::signalfd(-1, &set, SFD_CLOEXEC));
}

// Prints requests that have been answered or given up, in order; how many so far.
std::size_t print_from(std::size_t printed, const espalier::test::FakeServer& server) {
    const auto all = server.seen();
    for (; printed < all.size() && (all[printed].answered || all[printed].gone); ++printed) {
        const auto& seen = all[printed];
        say(text(seen.method, " ", seen.path, " ", seen.status, " ", seen.body_bytes_received));
    }
    return printed;
}

// True when it is time to go.
bool wait_for_end(const espalier::base::Fd& signals, int milliseconds) {
    std::array<pollfd, 2> waiting{pollfd{signals.get(), POLLIN, 0},
                                  pollfd{STDIN_FILENO, POLLIN, 0}};
    ::poll(waiting.data(), waiting.size(), milliseconds);
    if (waiting[0].revents != 0) return true;
    char ignored = 0;
    return waiting[1].revents != 0 && ::read(STDIN_FILENO, &ignored, 1) <= 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = parse(argc, argv);
    if (!arguments || !espalier::test::profile(arguments->profile, "")) return refuse();
    const auto signals = end_signals();
    espalier::test::FakeServer server({}, arguments->port);
    server.set_script(*espalier::test::profile(arguments->profile, server.url()));
    say(text("listening on ", server.url()));
    constexpr int kLogEvery = 100;  // milliseconds
    std::size_t printed = 0;
    while (!wait_for_end(signals, arguments->log ? kLogEvery : -1))
        if (arguments->log) printed = print_from(printed, server);
    if (arguments->log) print_from(printed, server);
    return 0;
}
