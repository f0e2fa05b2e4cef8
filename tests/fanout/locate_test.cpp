// Finding out who has a blob: all are asked at once, and a "no" needs everybody's word.
#include "fanout/locate.h"

#include <thread>

#include <doctest/doctest.h>

#include "support/profiles.h"
#include "world.h"

using namespace espalier;
using namespace espalier::test;
using base::Milliseconds;
using fanout::Found;
using fanout::Located;
using fanout::Locator;

namespace {

// One Locator over a World, asked for the blob "a blob".
struct Fixture {
    explicit Fixture(Locator::Options wanted = {}) : options(patient(wanted)) {}

    // The first server is preferred; nobody is hurried unless a test says so.
    static Locator::Options patient(Locator::Options wanted) {
        wanted.strategy = fleet::Strategy::priority;
        if (wanted.lookup_timeout == Locator::Options{}.lookup_timeout)
            wanted.lookup_timeout = kPatience;
        return wanted;
    }
    void store_at(std::size_t i) { world.server(i).put_blob("a blob", "text/plain"); }
    void hold(std::size_t i, bool yes = true) {
        world.server(i).edit([&](Script& script) { script.on(Op::head).before_answer.hold = yes; });
    }
    void answer(std::size_t i, int status) {
        world.server(i).edit([&](Script& script) { script.on(Op::head).status = status; });
    }
    ~Fixture() { world.mover.stop(base::Deadline::after(Milliseconds{0})); }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    Located find() { return locator.find(hash); }
    // The same, and the lookup is over in all its parts.
    Located find_and_finish() {
        auto located = find();
        CHECK(world.wait_for([&] { return world.mover.jobs() == 0; }));
        return located;
    }
    std::size_t heads(std::size_t i) { return world.server(i).count("HEAD"); }
    bool everybody_is_asked() {
        return world.wait_for([&] { return heads(0) > 0 && heads(1) > 0 && heads(2) > 0; });
    }

    World world;
    const protocol::BlobHash hash{base::Sha256::of("a blob")};
    const Locator::Options options;
    Locator locator{options, world.network(), world.mover};
};

// A find() in a thread of its own.
struct Asker {
    explicit Asker(Fixture& fixture) : thread([&] { located = fixture.find(); }) {}
    Located join() {
        thread.join();
        return located;
    }
    Located located;
    std::jthread thread;
};

}  // namespace

TEST_CASE("a blob is found at all servers that have it, and the map learns them") {
    Fixture f({.hedge_delay = kPatience});
    f.store_at(0);
    f.store_at(2);
    const auto located = f.find();
    CHECK(located.found == Found::somewhere);
    CHECK(located.servers.has(0));
    CHECK(located.facts.size == 6);
    CHECK(located.facts.type == "text/plain");
    CHECK(f.world.wait_for([&] { return f.world.lists(f.hash, 0) && f.world.lists(f.hash, 2); }));
    CHECK_FALSE(f.world.lists(f.hash, 1));
    CHECK(f.everybody_is_asked());
    for (std::size_t i = 0; i < 3; ++i) CHECK(f.heads(i) == 1);
}

TEST_CASE("a better-ranked server is waited for within the hedge delay") {
    Fixture f({.hedge_delay = kPatience});
    f.store_at(0);
    f.store_at(1);
    f.hold(0);
    Asker asker(f);
    CHECK(f.world.wait_for([&] { return f.world.lists(f.hash, 1); }));
    f.hold(0, false);
    const auto located = asker.join();
    CHECK(located.servers.has(0));
    CHECK(located.servers.has(1));
}

TEST_CASE("after the hedge delay the first hit is taken, and the slow one still fills the map") {
    Fixture f({.hedge_delay = Milliseconds{1}});
    f.store_at(0);
    f.store_at(1);
    f.hold(0);
    const auto located = f.find();
    CHECK(located.found == Found::somewhere);
    CHECK(located.servers.has(1));
    CHECK_FALSE(located.servers.has(0));
    f.hold(0, false);
    CHECK(f.world.wait_for([&] { return f.world.lists(f.hash, 0); }));
}

TEST_CASE("patience goes by what a server's answers usually take, within bounds") {
    using fanout::patience_with;
    CHECK(patience_with(std::nullopt) == Milliseconds{100});
    CHECK(patience_with(Milliseconds{0}) == Milliseconds{5});
    CHECK(patience_with(Milliseconds{37}) == Milliseconds{37});
    CHECK(patience_with(Milliseconds{60'000}) == Milliseconds{1'000});
}

TEST_CASE(
    "with an automatic hedge delay a slow server is waited for, a quick one that hangs is not") {
    for (const bool usually_slow : {false, true}) {
        CAPTURE(usually_slow);
        Fixture f({.hedge_delay = std::nullopt});
        fleet::Outcome usual{.kind = fleet::OutcomeKind::ok, .status = 200, .reason = {}};
        usual.elapsed = Milliseconds{usually_slow ? 900 : 5};
        f.world.fleet->record(fleet::Op::lookup, usual);
        f.store_at(0);
        f.store_at(1);
        f.hold(0);
        const auto begun = base::Steady::now();
        CHECK(f.find().servers.has(1));
        // The first hit cannot have been there before; how long a quick one takes is not timed.
        if (usually_slow) CHECK(base::Steady::now() - begun >= Milliseconds{780});
        f.hold(0, false);
        CHECK(f.world.wait_for([&] { return f.world.lists(f.hash, 0); }));
    }
}

TEST_CASE("with an automatic hedge delay servers behind the hit make nobody wait") {
    Fixture f({.hedge_delay = std::nullopt});
    f.store_at(0);
    f.hold(1);
    f.hold(2);
    CHECK(f.find().servers.has(0));
}

TEST_CASE("a hit of the best-ranked server waits for nobody") {
    Fixture f({.hedge_delay = kPatience});
    f.store_at(0);
    f.hold(1);
    f.hold(2);
    CHECK(f.find().servers.has(0));
}

TEST_CASE("a worse-ranked server is not waited for") {
    Fixture f({.hedge_delay = kPatience});
    f.store_at(1);
    f.hold(2);
    CHECK(f.find().servers.has(1));
}

TEST_CASE("when everybody says no the blob is nowhere, and that is remembered") {
    Fixture f;
    auto located = f.find_and_finish();
    CHECK(located.found == Found::nowhere);
    CHECK_FALSE(located.remembered);
    CHECK(located.outcomes.size() == 3);
    located = f.find();
    CHECK(located.found == Found::nowhere);
    CHECK(located.remembered);
    CHECK(f.locator.snapshot().negative_hits == 1);
    for (std::size_t i = 0; i < 3; ++i) CHECK(f.heads(i) == 1);
}

TEST_CASE("410 is a no, too") {
    Fixture f;
    f.answer(1, 410);
    CHECK(f.find().found == Found::nowhere);
}

TEST_CASE("with negative_ttl 0 nothing is remembered") {
    Fixture f({.negative_ttl = Milliseconds{0}});
    f.find_and_finish();
    CHECK_FALSE(f.find().remembered);
    CHECK(f.heads(0) == 2);
}

TEST_CASE("one silent server makes a miss uncertain, by timeouts only") {
    Fixture f({.lookup_timeout = Milliseconds{300}});
    f.hold(1);
    const auto located = f.find();
    CHECK(located.found == Found::uncertain);
    CHECK(located.only_timeouts);
    f.hold(1, false);
    CHECK(f.find().found != Found::pending);  // not remembered as nowhere
    CHECK(f.locator.snapshot().negative_hits == 0);
}

TEST_CASE("a server that fails, refuses or cannot be reached makes a miss uncertain") {
    for (const int status : {500, 503, 401, 403, 429}) {
        CAPTURE(status);
        Fixture f;
        f.answer(1, status);
        const auto located = f.find_and_finish();
        CHECK(located.found == Found::uncertain);
        CHECK_FALSE(located.only_timeouts);
        CHECK_FALSE(f.find().remembered);
    }
    Fixture f;
    f.world.server(1).stop();
    const auto located = f.find();
    CHECK(located.found == Found::uncertain);
    CHECK_FALSE(located.only_timeouts);
}

TEST_CASE("a hit counts whatever the others do") {
    Fixture f({.hedge_delay = Milliseconds{1}});
    f.store_at(2);
    f.world.server(0).stop();
    f.answer(1, 500);
    CHECK(f.find().found == Found::somewhere);
}

TEST_CASE("however many ask for a blob at once, each server gets one HEAD") {
    Fixture f;
    f.store_at(1);
    for (std::size_t i = 0; i < 3; ++i) f.hold(i);
    std::vector<std::unique_ptr<Asker>> askers;
    for (int i = 0; i < 16; ++i) askers.push_back(std::make_unique<Asker>(f));
    CHECK(f.world.wait_for([&] { return f.locator.snapshot().shared == 15; }));
    CHECK(f.everybody_is_asked());
    for (std::size_t i = 0; i < 3; ++i) f.hold(i, false);
    for (const auto& asker : askers) CHECK(asker->join().servers.has(1));
    for (std::size_t i = 0; i < 3; ++i) CHECK(f.heads(i) == 1);
    CHECK(f.locator.snapshot().started == 1);
}

TEST_CASE("a stored blob is looked for again, whatever was remembered") {
    Fixture f;
    CHECK(f.find_and_finish().found == Found::nowhere);
    f.store_at(0);
    f.locator.changed(f.hash);
    CHECK(f.find().found == Found::somewhere);
}

TEST_CASE("a lookup that a PUT has overtaken neither answers later ones nor is remembered") {
    Fixture f;
    for (std::size_t i = 0; i < 3; ++i) f.hold(i);
    Asker early(f);
    CHECK(f.everybody_is_asked());
    f.locator.changed(f.hash);
    Asker late(f);
    CHECK(f.world.wait_for([&] { return f.heads(0) == 2; }));
    for (std::size_t i = 0; i < 3; ++i) f.hold(i, false);
    CHECK(early.join().found == Found::nowhere);
    CHECK(late.join().found == Found::nowhere);
    CHECK(f.locator.snapshot().started == 2);
    // What the second one found may be remembered, the first one's finding may not.
    CHECK(f.world.wait_for([&] { return f.world.mover.jobs() == 0; }));
    f.locator.changed(f.hash);
    CHECK_FALSE(f.find().remembered);
}

TEST_CASE("only an overtaken lookup leaves nothing behind") {
    Fixture f;
    for (std::size_t i = 0; i < 3; ++i) f.hold(i);
    Asker early(f);
    CHECK(f.everybody_is_asked());
    f.locator.changed(f.hash);
    for (std::size_t i = 0; i < 3; ++i) f.hold(i, false);
    CHECK(early.join().found == Found::nowhere);
    CHECK(f.world.wait_for([&] { return f.world.mover.jobs() == 0; }));
    CHECK_FALSE(f.find().remembered);
}

TEST_CASE("a server that says 500 when it lacks a blob is believed once probes have seen it so") {
    Fixture f;
    f.world.server(1).edit([](Script& script) { script.missing_head_status = 500; });
    CHECK(f.find_and_finish().found == Found::uncertain);
    CHECK(f.world.snapshot(1).consecutive_failures == 1);
    f.world.fleet->learn_miss_status(1, 500);
    CHECK(f.find_and_finish().found == Found::nowhere);
    CHECK(f.world.snapshot(1).consecutive_failures == 0);
}

TEST_CASE("a 200 that says \"File not found\" is a no") {
    Fixture f;
    f.world.server(1).edit([](Script& script) {
        script.missing_head_status = 200;
        script.missing_headers = {{"X-Reason", "File not found"}};
    });
    CHECK(f.find().found == Found::nowhere);
    CHECK_FALSE(f.world.lists(f.hash, 1));
}

TEST_CASE("a lookup follows a server's redirect to its CDN") {
    Fixture f({.hedge_delay = kPatience});
    f.store_at(1);
    f.world.server(0).edit([&](Script& script) { script.redirect_base = f.world.server(1).url(); });
    f.store_at(0);
    const auto located = f.find();
    CHECK(located.servers.has(0));
    CHECK(located.facts.size == 6);
}

TEST_CASE("lookups carry no token") {
    Fixture f;
    f.find();
    for (const auto& server : f.world.servers)
        for (const auto& seen : server->seen()) {
            CHECK_FALSE(seen.headers.has("Authorization"));
            CHECK(seen.path == "/" + f.hash.hex());
        }
}

TEST_CASE("a lookup is counted as such, and as ended") {
    Fixture f;
    f.store_at(1);
    f.find();
    CHECK(f.world.wait_for([&] { return f.world.mover.jobs() == 0; }));
    const auto lookups = static_cast<std::size_t>(fleet::Op::lookup);
    CHECK(f.world.snapshot(1).tallies[lookups].success == 1);
    CHECK(f.world.snapshot(0).tallies[lookups].failure == 1);
    CHECK(f.world.snapshot(0).healthy);
    for (std::size_t i = 0; i < 3; ++i) CHECK(f.world.snapshot(i).in_flight == 0);
}
