// Workers are threads that serve one request each, as many as are needed between a least and
// a most number; a thread without work for a while ends.
//
// A burst of short requests makes no new threads: beyond the least number one is added only
// for a request that has waited for two milliseconds. A foreman thread sees to that.
//
// Admission is by lane: a number of workers is kept for Lane::reserved, and Lane::bulk holds
// at most 60 % of the others. Requests that are admitted but find all workers busy wait in a
// short queue.
//
// Threads: submit() and stop() from any; `serve` and `done` run on the workers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "http/connection.h"
#include "http/context.h"

namespace espalier::http {

class Workers {
public:
    struct Options {
        int min = 8;
        int max = 512;
        int reserved = 8;
        int queue_max = 128;
        base::Milliseconds idle_exit{30'000};
    };
    struct Job {
        Connection* connection = nullptr;
        Lane lane = Lane::ordinary;
    };
    using Serve = std::function<After(const Job&)>;
    // After the worker's place was given up again.
    using Done = std::function<void(const Job&, After)>;

    Workers(const Options& options, Serve serve, Done done);
    // stop()s.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // false: this lane is full and so is the queue.
    bool submit(const Job& job);
    // Whether a worker may wait a moment for its client: most of them have nothing to do.
    bool roomy() const;
    // Waits until nothing runs or waits; false when the deadline came first.
    bool wait_idle(base::Deadline deadline);
    // Admits nothing more.
    void close();
    // Closes, and returns when every job has run and every thread has ended.
    void stop();

    struct Counts {
        std::uint64_t threads = 0;
        std::uint64_t busy = 0;
    };
    Counts counts() const;

private:
    struct Thread;

    bool admissible(Lane lane) const;
    void admit(const Job& job);
    void release(Lane lane);
    bool spawn();
    void run(Thread& self);
    bool next(std::unique_lock<std::mutex>& lock, Thread& self, Job& job);
    bool sleep(std::unique_lock<std::mutex>& lock, Thread& self);
    void retire(Thread& self);
    void call_foreman();
    void oversee();
    static void* thread_main(void* argument);

    const Options options_;
    const int bulk_max_;
    const Serve serve_;
    const Done done_;

    // A condition variable needs its mutex: this is the one place in the room without Guarded.
    mutable std::mutex mutex_;
    std::condition_variable idle_;
    std::condition_variable foreman_wake_;
    // Guarded by mutex_.
    std::deque<Job> ready_;    // admitted, not yet taken
    std::deque<Job> waiting_;  // not admitted yet
    int running_ = 0;          // admitted jobs of any lane
    int running_bulk_ = 0;
    int running_reserved_ = 0;
    bool stopping_ = false;
    std::uint64_t admitted_ = 0;  // jobs ever put into ready_ …
    std::uint64_t taken_ = 0;     // … and taken out of it
    std::uint64_t starting_ = 0;  // threads made that have not looked for a job yet
    bool foreman_watches_ = false;
    std::jthread foreman_;
    std::vector<Thread*> sleepers_;  // the one that slept last is woken first
    std::vector<std::unique_ptr<Thread>> threads_;
    std::vector<std::unique_ptr<Thread>> finished_;  // ended, to be joined
};

}  // namespace espalier::http
