#include "engine/inbox.h"

#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace espalier::engine {

Inbox::Inbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    ESPALIER_CHECK(event_);
}

bool Inbox::post(std::shared_ptr<Exchange> exchange) {
    const auto [kept, wake] = state_.with([&](State& state) {
        if (state.closed) return std::pair(false, false);
        state.letters.push_back(std::move(exchange));
        return std::pair(true, std::exchange(state.sleeping, false));
    });
    if (wake) signal();
    return kept;
}

void Inbox::close() {
    state_.with([](State& state) { state.closed = true; });
    signal();
}

void Inbox::take(Letters& letters) {
    ESPALIER_CHECK(letters.empty());
    state_.with([&](State& state) {
        letters.swap(state.letters);
        state.sleeping = false;
    });
}

bool Inbox::is_closed() const {
    return state_.with([](const State& state) { return state.closed; });
}

bool Inbox::may_sleep() {
    return state_.with([](State& state) {
        state.sleeping = state.letters.empty() && !state.closed;
        return state.sleeping;
    });
}

void Inbox::signal() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

void Inbox::drain() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_.get(), &count, sizeof count);
}

}  // namespace espalier::engine
