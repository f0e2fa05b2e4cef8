// The map stays honest: replicas are listed once they can be read, and forgotten when gone.
#include "fanout/confirm.h"

#include <doctest/doctest.h>

#include "world.h"

using namespace espalier;
using namespace espalier::test;

namespace {

struct Fixture {
    explicit Fixture(const WorldOptions& options = {}) : world(options) {}

    void hide(int lookups) {
        world.server(0).edit([&](Script& script) { script.lookups_hidden = lookups; });
        CHECK(http_put().find(hash.hex()) != std::string::npos);
    }
    // Stores the blob as a client of server 0 would, so that its lookups are hidden.
    std::string http_put() {
        Sender sender(world, {.body = "a blob",
                              .quorum = 1,
                              .verify_first = true,
                              .left_out = {fleet::left_out(1, fleet::OutcomeKind::ok, 200, ""),
                                           fleet::left_out(2, fleet::OutcomeKind::ok, 200, "")}});
        sender.send();
        return sender.hex();
    }
    bool idle() {
        return world.wait_for([&] { return world.mover.jobs() == 0; });
    }
    std::size_t heads(std::size_t i) { return world.server(i).count("HEAD"); }

    World world;
    const protocol::BlobHash hash{base::Sha256::of("a blob")};
};

}  // namespace

TEST_CASE("a replica that cannot be read at once is asked for again, then listed") {
    Fixture f;
    f.hide(3);
    CHECK(f.world.wait_for([&] { return f.world.lists(f.hash, 0); }));
    CHECK(f.heads(0) == 4);
}

TEST_CASE("a replica that stays unreadable is given up after the retries and never listed") {
    Fixture f;
    f.hide(1000);
    CHECK(f.world.wait_for([&] { return f.heads(0) == 4; }));
    CHECK(f.idle());
    CHECK(f.heads(0) == 4);
    CHECK_FALSE(f.world.lists(f.hash, 0));
}

TEST_CASE("a server that was not asked to keep it is not asked about it") {
    Fixture f;
    f.hide(0);
    CHECK(f.idle());
    CHECK(f.heads(1) == 0);
}

TEST_CASE("asked again, a server that lacks the blob is taken off the map") {
    Fixture f;
    const auto now = base::Steady::now();
    f.world.map.learn(f.hash, 0, {}, now);
    f.world.map.learn(f.hash, 1, {}, now);
    f.world.server(1).put_blob("a blob");
    fleet::UpstreamSet both;
    both.add(0);
    both.add(1);
    f.world.confirmer.again(f.hash, both);
    CHECK(f.world.wait_for([&] { return !f.world.lists(f.hash, 0); }));
    CHECK(f.idle());
    CHECK(f.world.lists(f.hash, 1));
    CHECK(f.heads(0) == 1);
    CHECK(f.heads(2) == 0);
}

TEST_CASE("a server that cannot say keeps its place on the map") {
    Fixture f;
    f.world.map.learn(f.hash, 0, {}, base::Steady::now());
    f.world.server(0).edit([](Script& script) { script.on(Op::head).status = 500; });
    fleet::UpstreamSet one;
    one.add(0);
    f.world.confirmer.again(f.hash, one);
    CHECK(f.world.wait_for([&] { return f.heads(0) == 1; }));
    CHECK(f.idle());
    CHECK(f.world.lists(f.hash, 0));
    CHECK(f.world.snapshot(0).consecutive_failures == 1);
}

TEST_CASE("a server's own way to say no is no fault of it") {
    Fixture f({.max_failures = 1});
    f.world.map.learn(f.hash, 0, {}, base::Steady::now());
    f.world.server(0).edit([](Script& script) { script.missing_head_status = 500; });
    f.world.fleet->learn_miss_status(0, 500);
    fleet::UpstreamSet one;
    one.add(0);
    f.world.confirmer.again(f.hash, one);
    CHECK(f.world.wait_for([&] { return !f.world.lists(f.hash, 0); }));
    CHECK(f.world.snapshot(0).healthy);
}

TEST_CASE("a confirmation brings what is known of the blob up to date") {
    Fixture f;
    f.world.server(0).put_blob("a blob", "image/png");
    f.world.confirmer.after_store(f.hash, 0);
    CHECK(f.world.wait_for([&] { return f.world.lists(f.hash, 0); }));
    const auto entry = f.world.map.find(f.hash, base::Steady::now());
    CHECK(entry->facts.size == 6);
    CHECK(entry->facts.type == "image/png");
}
