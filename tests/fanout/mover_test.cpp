// The mover steps Jobs when they are rung and when their time has come.
#include "fanout/mover.h"

#include <atomic>
#include <functional>
#include <vector>

#include <doctest/doctest.h>

#include "support/changes.h"

using namespace espalier;
using base::Deadline;
using base::Milliseconds;
using base::Steady;
using fanout::Job;
using fanout::Mover;
using test::Changes;
using test::kPatience;

namespace {

// A Job whose steps are counted and scripted by the test.
class Counting : public Job {
public:
    using Next = std::function<std::optional<Deadline>(int step)>;
    Counting(Mover& mover, Changes& changes, Next next)
        : Job(mover), changes_(changes), next_(std::move(next)) {}
    ~Counting() override {
        if (gone != nullptr) *gone = true;
        changes_.announce();
    }

    std::optional<Deadline> step(Steady::time_point now) override {
        last_step = now;
        const auto next = next_(steps.fetch_add(1) + 1);
        changes_.announce();
        return next;
    }
    bool outlives_stop() const override { return outlives; }

    std::atomic<int> steps{0};
    std::atomic<bool> outlives{false};
    std::atomic<bool>* gone = nullptr;
    std::atomic<Steady::time_point> last_step{};

private:
    Changes& changes_;
    const Next next_;
};

struct Fixture {
    Fixture() { mover.start(); }
    std::shared_ptr<Counting> add(Counting::Next next) {
        const auto job = std::make_shared<Counting>(mover, changes, std::move(next));
        mover.add(job);
        return job;
    }
    bool steps_reach(Counting& job, int steps) {
        return changes.wait_for([&] { return job.steps >= steps; });
    }

    Changes changes;
    Mover mover;
};

std::optional<Deadline> forever(int) {
    return Deadline::never();
}
std::optional<Deadline> once(int) {
    return std::nullopt;
}

}  // namespace

TEST_CASE("a Job whose Bell was heard before it came is stepped, and heard from then on") {
    Fixture f;
    const auto early =
        std::make_shared<Counting>(f.mover, f.changes, [](int) { return Deadline::never(); });
    early->bell()->ring();
    // What is rung later has been heard when this has been stepped.
    const auto other = f.add([](int) { return Deadline::never(); });
    other->bell()->ring();
    CHECK(f.steps_reach(*other, 2));
    f.mover.add(early);
    CHECK(f.steps_reach(*early, 1));
    early->bell()->ring();
    CHECK(f.steps_reach(*early, 2));
}

TEST_CASE("a job is stepped once when it is added, and again whenever it is rung") {
    Fixture f;
    const auto job = f.add(forever);
    CHECK(f.steps_reach(*job, 1));
    job->bell()->ring();
    CHECK(f.steps_reach(*job, 2));
    job->bell()->ring();
    CHECK(f.steps_reach(*job, 3));
}

TEST_CASE("a job is stepped by itself when its time has come, not before") {
    Fixture f;
    const auto begun = Steady::now();
    const auto job = f.add([&](int step) -> std::optional<Deadline> {
        return step == 1 ? Deadline::at(begun + Milliseconds{30}) : Deadline::never();
    });
    CHECK(f.steps_reach(*job, 2));
    CHECK(job->last_step.load() >= begun + Milliseconds{30});
    CHECK(job->steps == 2);
}

TEST_CASE("a ring before its time does not cancel a job's timer, a new time replaces it") {
    Fixture f;
    const auto begun = Steady::now();
    const auto job = f.add([&](int step) -> std::optional<Deadline> {
        if (step == 1) return Deadline::at(begun + std::chrono::hours{1});
        if (step == 2) return Deadline::at(begun + Milliseconds{1});
        return Deadline::never();
    });
    CHECK(f.steps_reach(*job, 1));
    job->bell()->ring();
    CHECK(f.steps_reach(*job, 3));
}

TEST_CASE("timers go off in the order of their times") {
    Fixture f;
    const auto begun = Steady::now();
    std::vector<int> order;  // touched by the mover only, until both are done
    const auto timed = [&](int name, int after_ms) {
        return f.add([&order, name,
                      when = begun + Milliseconds{after_ms}](int step) -> std::optional<Deadline> {
            if (step == 1) return Deadline::at(when);
            order.push_back(name);
            return std::nullopt;
        });
    };
    const auto late = timed(2, 40);
    const auto early = timed(1, 20);
    CHECK(f.steps_reach(*late, 2));
    CHECK(f.steps_reach(*early, 2));
    f.mover.stop(Deadline::after(Milliseconds{0}));
    CHECK(order == std::vector{1, 2});
}

TEST_CASE("a job that is done is let go and not stepped again") {
    Fixture f;
    std::atomic<bool> gone{false};
    auto job = f.add(once);
    job->gone = &gone;
    CHECK(f.steps_reach(*job, 1));
    const auto bell = job->bell();
    job.reset();
    CHECK(f.changes.wait_for([&] { return gone.load(); }));
    CHECK(f.changes.wait_for([&] { return f.mover.jobs() == 0; }));
    bell->ring();  // a ring after the end is harmless
    const auto other = f.add(once);
    CHECK(f.steps_reach(*other, 1));
}

TEST_CASE("a job may add others while it is stepped") {
    Fixture f;
    std::shared_ptr<Counting> child;
    std::atomic<bool> made{false};
    f.add([&](int) -> std::optional<Deadline> {
        child = std::make_shared<Counting>(f.mover, f.changes, once);
        f.mover.add(child);
        made = true;
        return std::nullopt;
    });
    CHECK(f.changes.wait_for([&] { return made && child->steps == 1; }));
}

TEST_CASE("many threads may add jobs and ring them") {
    Fixture f;
    std::atomic<int> steps{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int n = 0; n < 200; ++n) {
                    const auto job = f.add([&](int step) -> std::optional<Deadline> {
                        ++steps;
                        return step == 2 ? std::nullopt
                                         : std::optional(Deadline::after(Milliseconds{1}));
                    });
                    job->bell()->ring();
                }
            });
    }
    CHECK(f.changes.wait_for([&] { return f.mover.jobs() == 0 && steps == 1600; }));
}

TEST_CASE("a stop lets go of everything that does not outlive it") {
    Fixture f;
    std::atomic<bool> gone{false};
    auto job = f.add(forever);
    job->gone = &gone;
    CHECK(f.steps_reach(*job, 1));
    job.reset();
    f.mover.stop(Deadline::after(kPatience));
    CHECK(gone);
}

TEST_CASE("a stop waits for jobs that outlive it") {
    Fixture f;
    std::atomic<bool> finish{false};
    const auto job =
        f.add([&](int) { return finish ? std::nullopt : std::optional(Deadline::never()); });
    job->outlives = true;
    CHECK(f.steps_reach(*job, 1));
    std::atomic<bool> stopped{false};
    {
        const std::jthread stopper([&] {
            f.mover.stop(Deadline::after(kPatience));
            stopped = true;
        });
        const auto other = f.add(once);  // still taken while the grace lasts
        CHECK(f.steps_reach(*other, 1));
        job->bell()->ring();
        CHECK(f.steps_reach(*job, 2));
        CHECK_FALSE(stopped);
        finish = true;
        job->bell()->ring();
    }
    CHECK(stopped);
    CHECK(job->steps == 3);
}

TEST_CASE("a stop waits no longer than its grace") {
    Fixture f;
    const auto job = f.add(forever);
    job->outlives = true;
    CHECK(f.steps_reach(*job, 1));
    f.mover.stop(Deadline::after(Milliseconds{20}));
    CHECK(job->steps == 1);
}

TEST_CASE("after a stop, jobs are let go unstepped") {
    Fixture f;
    f.mover.stop(Deadline::after(Milliseconds{0}));
    std::atomic<bool> gone{false};
    auto job = std::make_shared<Counting>(f.mover, f.changes, once);
    job->gone = &gone;
    f.mover.add(std::move(job));
    CHECK(gone);
}

TEST_CASE("a mover that was never started can be stopped, and stopped again") {
    Mover mover;
    mover.stop(Deadline::never());
    mover.stop(Deadline::never());
}
