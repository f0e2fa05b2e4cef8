// Probes find out that a server is down, and that it is back, without any client's help.
#include "fanout/probe.h"

#include <set>

#include <doctest/doctest.h>

#include "fanout/pause.h"
#include "world.h"

using namespace espalier;
using namespace espalier::test;
using base::Milliseconds;

namespace {

struct Fixture {
    explicit Fixture(Milliseconds timeout = Milliseconds{5'000}) : patience(timeout) {}

    // Begins to probe, quickly.
    void start() {
        fanout::Prober({.interval = Milliseconds{5},
                        .interval_after_fault = Milliseconds{2},
                        .timeout = patience},
                       world.network(), world.mover)
            .cover();
    }
    bool wait_for(const std::function<bool()>& holds) { return world.wait_for(holds); }
    fleet::UpstreamSnapshot one() { return world.snapshot(1); }

    const Milliseconds patience;
    World world{{.max_failures = 3}};
};

}  // namespace

TEST_CASE("a server that is gone becomes suspect, then unhealthy, and recovers when it is back") {
    Fixture f;
    f.world.server(1).stop();
    f.start();
    CHECK(f.wait_for([&] { return f.one().suspect; }));
    CHECK(f.wait_for([&] { return !f.one().healthy; }));
    CHECK(f.world.snapshot(0).healthy);
    f.world.server(1).restart();
    CHECK(f.wait_for([&] { return f.one().healthy && !f.one().suspect; }));
}

TEST_CASE("a server that accepts and says nothing is found out by the probe's timeout") {
    Fixture f(Milliseconds{50});
    f.world.server(1).edit([](Script& script) { script.on(Op::head).before_body.hold = true; });
    f.start();
    CHECK(f.wait_for([&] { return !f.one().healthy; }));
    f.world.server(1).edit([](Script& script) { script.on(Op::head).before_body.hold = false; });
    CHECK(f.wait_for([&] { return f.one().healthy; }));
}

TEST_CASE("how each server says no is learnt") {
    Fixture f;
    f.world.server(1).edit([](Script& script) { script.missing_head_status = 500; });
    f.start();
    CHECK(f.wait_for([&] { return f.world.fleet->miss_status(1) == 500; }));
    CHECK(f.wait_for([&] { return f.world.fleet->miss_status(0) == 404; }));
    CHECK(f.one().healthy);
    CHECK(f.one().consecutive_failures == 0);
}

TEST_CASE("a server that used to say 404 and says 500 to everything is ill") {
    Fixture f;
    f.start();
    CHECK(f.wait_for([&] { return f.world.fleet->miss_status(1) == 404; }));
    f.world.server(1).edit([](Script& script) { script.on(Op::head).status = 500; });
    CHECK(f.wait_for([&] { return !f.one().healthy; }));
    CHECK(f.world.fleet->miss_status(1) == 404);
}

TEST_CASE("a gateway in front of a server that is down is no sign of life") {
    for (const int status : {502, 503, 504}) {
        Fixture f;
        f.world.server(1).edit([&](Script& script) { script.on(Op::head).status = status; });
        f.start();
        CHECK(f.wait_for([&] { return !f.one().healthy; }));
        CHECK(f.world.fleet->miss_status(1) == 0);
    }
}

TEST_CASE("a throttled probe pauses the server, and is not how it says no") {
    Fixture f;
    f.world.server(1).edit([](Script& script) {
        script.on(Op::head).status = 429;
        script.on(Op::head).headers = {{"Retry-After", "600"}};
    });
    f.start();
    CHECK(f.wait_for([&] { return f.one().paused; }));
    CHECK(f.one().healthy);
    CHECK(f.world.fleet->miss_status(1) == 0);
}

TEST_CASE("every probe asks for another blob, one that nobody has, and carries no token") {
    Fixture f;
    f.start();
    CHECK(f.world.server(0).wait_for_requests("HEAD", "/", 5));
    std::set<std::string> paths;
    for (const auto& seen : f.world.server(0).seen()) {
        CHECK(seen.method == "HEAD");
        CHECK(seen.path.size() == 65);
        CHECK_FALSE(seen.headers.has("Authorization"));
        paths.insert(seen.path);
    }
    CHECK(paths.size() == f.world.server(0).seen().size());
}

TEST_CASE(
    "the pause after a fault is short, doubles with every probe that fails, and is never longer "
    "than usual") {
    const fanout::ProbeOptions options{.interval = Milliseconds{5'000},
                                       .interval_after_fault = Milliseconds{1'000}};
    const auto pause = [&](std::uint32_t failures, std::uint64_t dice = 200) {
        return fanout::probe_pause(options, failures, true, dice);
    };
    CHECK(fanout::probe_pause(options, 0, false, 77) == options.interval);
    CHECK(pause(0) == Milliseconds{1'000});  // a fault that somebody else has seen
    CHECK(pause(1) == Milliseconds{1'000});
    CHECK(pause(2, 400) == Milliseconds{2'000});
    CHECK(pause(3, 800) == Milliseconds{4'000});
    for (const std::uint32_t failures : {4U, 10U, 1'000'000U})
        for (std::uint64_t dice = 0; dice < 3'000; dice += 7) {
            CHECK(pause(failures, dice) >= Milliseconds{4'000});
            CHECK(pause(failures, dice) <= options.interval);
        }
}

TEST_CASE("pauses are spread over a fifth to both sides") {
    std::set<Milliseconds> seen;
    for (std::uint64_t dice = 0; dice < 1'000; ++dice)
        seen.insert(fanout::jittered(Milliseconds{1'000}, dice));
    CHECK(*seen.begin() == Milliseconds{800});
    CHECK(*seen.rbegin() == Milliseconds{1'200});
    CHECK(seen.size() == 401);
}

TEST_CASE("how far a server's clock is off is noted from its Date") {
    Fixture f;
    f.world.server(1).edit([](Script& script) {
        script.on(Op::head).headers = {{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}};
    });
    f.start();
    CHECK(f.wait_for([&] { return f.one().clock_skew.has_value(); }));
    const auto expected = 784'111'777 - f.world.clock.unix_now();
    CHECK(std::abs(*f.one().clock_skew - expected) <= 60);
}

TEST_CASE("a mover with probes stops at once") {
    Fixture f;
    f.start();
    CHECK(f.world.server(0).wait_for_requests("HEAD", "/", 2));
    f.world.mover.stop(base::Deadline::after(kPatience));  // probes do not outlive a stop
    CHECK(f.world.mover.jobs() <= 3);
}
