#include "base/bell.h"

#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace espalier::base {
namespace {

Fd make_event() {
    Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    ESPALIER_CHECK(event);
    return event;
}

void signal(const Fd& event) noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof one);
}

void drain(const Fd& event) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event.get(), &count, sizeof count);
}

void await(const Fd& event, Deadline deadline) {
    pollfd waiting{.fd = event.get(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, deadline.poll_timeout());
}

}  // namespace

struct Bell::Board {
    Fd event = make_event();
    Guarded<std::vector<std::uint64_t>> rung;
};

Bell::Bell() : event_(make_event()) {}
Bell::Bell(const BellBoard& board, std::uint64_t token) : board_(board.board_), token_(token) {}
Bell::~Bell() = default;

void Bell::ring() noexcept {
    if (rung_.exchange(true, std::memory_order_acq_rel)) return;
    if (!board_) return signal(event_);
    const bool first = board_->rung.with([&](auto& rung) {
        rung.push_back(token_);
        return rung.size() == 1;
    });
    if (first) signal(board_->event);
}

bool Bell::clear() noexcept {
    // The event first: draining it after the exchange could eat the signal of a ring in
    // between, and with rung_ left true no later ring would make fd() readable again. And
    // always: a ring signals a moment after it says so, perhaps after an earlier clear().
    if (!board_) drain(event_);
    return rung_.exchange(false, std::memory_order_acq_rel);
}

bool Bell::wait(Deadline deadline) {
    ESPALIER_CHECK(!board_);
    // Not drained before it is worth a look: that would be a call into the kernel for nothing.
    if (rung_.load(std::memory_order_acquire) && clear()) return true;
    while (!deadline.passed()) {
        await(event_, deadline);
        if (clear()) return true;
    }
    return clear();
}

BellBoard::BellBoard() : board_(std::make_shared<Bell::Board>()) {}
BellBoard::~BellBoard() = default;

int BellBoard::fd() const {
    return board_->event.get();
}

std::vector<std::uint64_t> BellBoard::take() {
    drain(board_->event);
    return board_->rung.with([](auto& list) { return std::exchange(list, {}); });
}

std::vector<std::uint64_t> BellBoard::wait(Deadline deadline) {
    for (;;) {
        auto rung = board_->rung.with([](auto& list) { return std::exchange(list, {}); });
        if (!rung.empty() || deadline.passed()) return rung;
        await(board_->event, deadline);
        drain(board_->event);
    }
}

}  // namespace espalier::base
