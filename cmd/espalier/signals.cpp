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

sigset_t serving_signals() {
    auto set = ending_signals();
    sigaddset(&set, SIGHUP);
    return set;
}

void block(const sigset_t& set) {
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

int wait_for(const sigset_t& set) {
    int got = 0;
    while (sigwait(&set, &got) != 0) {
    }
    return got;
}

}  // namespace

void block_ending_signals() {
    block(ending_signals());
}

void block_serving_signals() {
    block(serving_signals());
}

void wait_for_ending_signal() {
    wait_for(ending_signals());
}

Signal wait_for_serving_signal() {
    return wait_for(serving_signals()) == SIGHUP ? Signal::reload : Signal::end;
}

}  // namespace espalier::command
