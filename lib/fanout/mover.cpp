#include "fanout/mover.h"

#include <algorithm>

#include "base/thread.h"

namespace espalier::fanout {

using base::Deadline;
using base::Steady;

Job::Job(Mover& mover)
    : token_(mover.next_token_.fetch_add(1)),
      bell_(std::make_shared<base::Bell>(mover.board_, token_)) {}

void Mover::start() {
    thread_ = base::start_thread("mover", [this](const std::stop_token&) { run(); });
}

void Mover::stop(Deadline grace) {
    shared_.with([&](Shared& shared) { shared.grace = grace; });
    attention_.ring();
    if (thread_.joinable()) thread_.join();
    const auto left = shared_.with([](Shared& shared) {
        shared.closed = true;
        return std::exchange(shared.inbox, {});
    });
    jobs_.clear();
    timers_.clear();
}

void Mover::add(std::shared_ptr<Job> job) {
    const bool taken = shared_.with([&](Shared& shared) {
        if (shared.closed) return false;
        shared.inbox.push_back(std::move(job));
        return true;
    });
    if (taken) attention_.ring();
}

void Mover::run() {
    while (!may_leave()) {
        const auto rung = board_.wait(next_wake());
        attention_.clear();
        adopt();
        for (const auto token : rung) step(token);
        step_those_due();
    }
}

void Mover::adopt() {
    auto arrived = shared_.with([](Shared& shared) { return std::exchange(shared.inbox, {}); });
    for (auto& job : arrived) {
        const auto token = job->token_;
        jobs_.emplace(token, Entry{.job = std::move(job)});
        count_.store(jobs_.size(), std::memory_order_relaxed);
        // Not left to its Bell, whose ring may have been heard before the Job was here.
        step(token);
    }
}

void Mover::step(std::uint64_t token) {
    const auto found = jobs_.find(token);
    if (found == jobs_.end()) return;
    Entry& entry = found->second;
    entry.job->bell()->clear();
    const auto next = entry.job->step(Steady::now());
    if (next) return set_wake(token, entry, next->when());
    set_wake(token, entry, Steady::time_point::max());
    const auto done = std::move(entry.job);  // let go after the tables are in order again
    jobs_.erase(found);
    count_.store(jobs_.size(), std::memory_order_relaxed);
}

void Mover::set_wake(std::uint64_t token, Entry& entry, Steady::time_point wake) {
    if (wake == entry.wake) return;
    timers_.erase({entry.wake, token});
    entry.wake = wake;
    if (wake != Steady::time_point::max()) timers_.emplace(wake, token);
}

void Mover::step_those_due() {
    const auto now = Steady::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const auto [wake, token] = *timers_.begin();
        timers_.erase(timers_.begin());
        jobs_.at(token).wake = Steady::time_point::max();
        step(token);
    }
}

Deadline Mover::next_wake() {
    const auto timer = timers_.empty() ? Deadline::never() : Deadline::at(timers_.begin()->first);
    const auto grace = shared_.with([](const Shared& shared) { return shared.grace; });
    return grace ? std::min(timer, *grace) : timer;
}

bool Mover::may_leave() {
    const auto grace = shared_.with([](const Shared& shared) { return shared.grace; });
    if (!grace) return false;
    if (grace->passed()) return true;
    adopt();
    return std::ranges::none_of(
        jobs_, [](const auto& entry) { return entry.second.job->outlives_stop(); });
}

}  // namespace espalier::fanout
