#include "http/workers.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <pthread.h>

#include "base/thread.h"

namespace espalier::http {
namespace {

constexpr std::size_t kStackBytes = std::size_t{8} << 20;  // virtual; only what is used is real
constexpr int kBulkPercent = 60;
constexpr base::Milliseconds kPatience{2};

}  // namespace

struct Workers::Thread {
    Workers* pool = nullptr;
    pthread_t handle{};
    std::condition_variable wake;
    bool woken = false;
};

Workers::Workers(const Options& options, Serve serve, Done done)
    : options_(options),
      bulk_max_(std::max(1, (options.max - options.reserved) * kBulkPercent / 100)),
      serve_(std::move(serve)),
      done_(std::move(done)) {}

Workers::~Workers() {
    stop();
}

bool Workers::submit(const Job& job) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (admissible(job.lane)) {
        admit(job);
        return true;
    }
    // Bulk does not wait: what it waits for may take minutes.
    const bool full = waiting_.size() >= static_cast<std::size_t>(options_.queue_max);
    if (job.lane == Lane::bulk || full) return false;
    waiting_.push_back(job);
    return true;
}

// Requires: mutex_ held.
bool Workers::admissible(Lane lane) const {
    if (lane == Lane::reserved) return running_ < options_.max;
    if (lane == Lane::bulk && running_bulk_ >= bulk_max_) return false;
    return running_ - running_reserved_ < options_.max - options_.reserved &&
           running_ < options_.max;
}

// Requires: mutex_ held, and the lane is admissible.
void Workers::admit(const Job& job) {
    ++running_;
    if (job.lane == Lane::bulk) ++running_bulk_;
    if (job.lane == Lane::reserved) ++running_reserved_;
    // Its lane's promise holds before a queue of others, too.
    job.lane == Lane::reserved ? ready_.push_front(job) : ready_.push_back(job);
    ++admitted_;
    if (sleepers_.empty()) {
        const bool few = threads_.size() < static_cast<std::size_t>(options_.min);
        if (!few || !spawn()) call_foreman();
        return;
    }
    auto& sleeper = *sleepers_.back();
    sleepers_.pop_back();
    sleeper.woken = true;
    sleeper.wake.notify_one();
}

// Requires: mutex_ held.
void Workers::release(Lane lane) {
    --running_;
    if (lane == Lane::bulk) --running_bulk_;
    if (lane == Lane::reserved) --running_reserved_;
    // Those with reserved workers first, then in order of arrival.
    for (const bool reserved : {true, false}) {
        for (auto job = waiting_.begin(); job != waiting_.end();) {
            if ((job->lane == Lane::reserved) != reserved || !admissible(job->lane)) {
                ++job;
                continue;
            }
            admit(*job);
            job = waiting_.erase(job);
        }
    }
    if (running_ == 0 && waiting_.empty()) idle_.notify_all();
}

// Requires: mutex_ held.
bool Workers::spawn() {
    if (threads_.size() >= static_cast<std::size_t>(options_.max)) return false;
    for (auto& ended : std::exchange(finished_, {})) ::pthread_join(ended->handle, nullptr);
    auto thread = std::make_unique<Thread>();
    thread->pool = this;
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kStackBytes);
    const int failed =
        ::pthread_create(&thread->handle, &attributes, &Workers::thread_main, thread.get());
    ::pthread_attr_destroy(&attributes);
    // Without another thread the job waits for one that is there, or for the next try.
    if (failed != 0) return false;
    threads_.push_back(std::move(thread));
    ++starting_;
    return true;
}

void* Workers::thread_main(void* argument) {
    ::pthread_setname_np(::pthread_self(), "worker");
    // sendfile() knows no MSG_NOSIGNAL.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    auto& self = *static_cast<Thread*>(argument);
    self.pool->run(self);
    return nullptr;
}

void Workers::run(Thread& self) {
    std::unique_lock lock(mutex_);
    --starting_;
    Job job;
    while (next(lock, self, job)) {
        lock.unlock();
        const After after = serve_(job);
        lock.lock();
        release(job.lane);
        lock.unlock();
        done_(job, after);
        lock.lock();
    }
    retire(self);
}

// Waits for a job; false = this thread is to end.
bool Workers::next(std::unique_lock<std::mutex>& lock, Thread& self, Job& job) {
    while (ready_.empty()) {
        if (stopping_ || !sleep(lock, self)) return false;
    }
    job = ready_.front();
    ready_.pop_front();
    ++taken_;
    return true;
}

// Sleeps until woken; false = not wanted for so long that this thread is to end.
bool Workers::sleep(std::unique_lock<std::mutex>& lock, Thread& self) {
    sleepers_.push_back(&self);
    self.woken = false;
    const auto roused = [&] { return self.woken || stopping_; };
    if (self.wake.wait_until(lock, base::Steady::now() + options_.idle_exit, roused)) return true;
    if (threads_.size() <= static_cast<std::size_t>(options_.min)) {
        self.wake.wait(lock, roused);
        return true;
    }
    std::erase(sleepers_, &self);
    return false;
}

// Requires: mutex_ held.
void Workers::retire(Thread& self) {
    const auto mine =
        std::ranges::find_if(threads_, [&](const auto& thread) { return thread.get() == &self; });
    finished_.push_back(std::move(*mine));
    threads_.erase(mine);
    if (threads_.empty()) idle_.notify_all();
}

// Requires: mutex_ held.
void Workers::call_foreman() {
    if (!foreman_.joinable()) {
        foreman_ = base::start_thread("foreman", [this](const std::stop_token&) { oversee(); });
    }
    if (!foreman_watches_) foreman_wake_.notify_one();
}

// The foreman's loop: while requests wait and nobody sleeps, adds threads for those that were
// there already a moment ago.
void Workers::oversee() {
    std::unique_lock lock(mutex_);
    while (!stopping_ || !ready_.empty()) {
        foreman_watches_ = !ready_.empty() && sleepers_.empty();
        if (!foreman_watches_) {
            if (!stopping_)
                foreman_wake_.wait(lock);
            else
                foreman_wake_.wait_for(lock, kPatience);
            continue;
        }
        const auto there = admitted_;
        foreman_wake_.wait_for(lock, kPatience);
        const auto coming = taken_ + starting_;
        const auto overdue = there > coming ? there - coming : 0;
        // By a quarter at a time: a machine that is merely busy gets no hundreds of threads.
        const auto step = threads_.size() / 4 + 1;
        for (auto added = std::min<std::uint64_t>(overdue, step); added > 0; --added) spawn();
    }
}

bool Workers::roomy() const {
    const std::lock_guard lock(mutex_);
    return ready_.empty() && waiting_.empty() &&
           static_cast<std::size_t>(running_) * 4 < threads_.size() * 3;
}

bool Workers::wait_idle(base::Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto idle = [this] { return running_ == 0 && waiting_.empty(); };
    if (deadline.is_never()) {
        idle_.wait(lock, idle);
        return true;
    }
    return idle_.wait_until(lock, deadline.when(), idle);
}

void Workers::close() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
}

void Workers::stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (const auto& thread : threads_) thread->wake.notify_one();
    foreman_wake_.notify_one();
    idle_.wait(lock, [this] { return threads_.empty() && ready_.empty(); });
    auto foreman = std::move(foreman_);
    lock.unlock();
    if (foreman.joinable()) foreman.join();
    lock.lock();
    for (auto& ended : std::exchange(finished_, {})) ::pthread_join(ended->handle, nullptr);
}

Workers::Counts Workers::counts() const {
    const std::lock_guard lock(mutex_);
    return {.threads = threads_.size(), .busy = static_cast<std::uint64_t>(running_)};
}

}  // namespace espalier::http
