#include "signals.h"

#include <csignal>

namespace espalier::command {
namespace {

sigset_t ending_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

}  // namespace

void block_ending_signals() {
    const auto set = ending_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

void wait_for_ending_signal() {
    const auto set = ending_signals();
    int got = 0;
    while (sigwait(&set, &got) != 0) {
    }
}

}  // namespace espalier::command
