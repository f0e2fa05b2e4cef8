// The Mover is the thread that moves bytes and waits for upstreams on behalf of everybody:
// uploads, lookups, probes. It never waits for a client.
//
// Work comes as Jobs. A Job does what can be done now in step() and returns; it is called
// again when its Bell rings or when its time has come.
//
// Threads: one of its own, from start() to stop(); add() from any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bell.h"
#include "base/clock.h"
#include "base/guarded.h"

namespace espalier::fanout {

class Mover;

class Job {
public:
    explicit Job(Mover& mover);
    virtual ~Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    // On the mover's thread. Returns when to look again even if nothing rings, or nothing
    // when the Job is done and may be let go.
    virtual std::optional<base::Deadline> step(base::Steady::time_point now) = 0;
    // Whether the mover should go on with it, within its grace, when it is told to stop.
    virtual bool outlives_stop() const { return false; }

    // Ring to have step() called.
    const std::shared_ptr<base::Bell>& bell() const { return bell_; }

private:
    friend class Mover;
    const std::uint64_t token_;
    const std::shared_ptr<base::Bell> bell_;
};

class Mover {
public:
    Mover() = default;
    ~Mover() { stop(base::Deadline::after(base::Milliseconds{0})); }
    Mover(const Mover&) = delete;
    Mover& operator=(const Mover&) = delete;

    void start();
    // Lets Jobs that outlive a stop go on until the deadline, then lets everything go.
    void stop(base::Deadline grace);
    // The Job is stepped soon, whether or not its Bell rang before; the mover keeps it until it is
    // done. After stop() it is let go at once.
    void add(std::shared_ptr<Job> job);
    std::size_t jobs() const { return count_.load(std::memory_order_relaxed); }

private:
    friend class Job;
    struct Entry {
        std::shared_ptr<Job> job;
        base::Steady::time_point wake = base::Steady::time_point::max();
    };
    struct Shared {
        std::vector<std::shared_ptr<Job>> inbox;
        bool closed = false;
        std::optional<base::Deadline> grace;  // set once stopping
    };

    void run();
    void adopt();
    void step(std::uint64_t token);
    void set_wake(std::uint64_t token, Entry& entry, base::Steady::time_point wake);
    void step_those_due();
    bool may_leave();
    base::Deadline next_wake();

    base::BellBoard board_;
    base::Bell attention_{board_, 0};  // a Job has come, or it is time to stop
    std::atomic<std::uint64_t> next_token_{1};
    std::atomic<std::size_t> count_{0};
    base::Guarded<Shared> shared_;
    // Owned by the mover's thread.
    std::unordered_map<std::uint64_t, Entry> jobs_;
    std::set<std::pair<base::Steady::time_point, std::uint64_t>> timers_;
    std::jthread thread_;
};

}  // namespace espalier::fanout
