// What the map knows is saved, and restored by the next process.
#include "fanout/map_keeper.h"

#include <doctest/doctest.h>

#include "world.h"

using namespace espalier;
using namespace espalier::test;
using base::Milliseconds;
using base::Seconds;

namespace {

const std::string kGone = "https://gone.example";

protocol::BlobHash blob(int n) {
    return protocol::BlobHash(base::Sha256::of(std::to_string(n)));
}

struct Fixture {
    explicit Fixture(const fanout::MapKeeper::Options& options = {})
        : keeper(options, world.network(), *world.ledger) {}

    std::string url(fleet::UpstreamId id) { return world.fleet->at(id).url.text(); }
    std::optional<fleet::BlobEntry> find(int n) {
        return world.map.find(blob(n), base::Steady::now());
    }

    World world;
    fanout::MapKeeper keeper;
};

}  // namespace

TEST_CASE("what is saved names the servers by their URLs") {
    Fixture f;
    f.world.map.learn(blob(1), 0, {.size = 5, .type = "image/png"}, base::Steady::now());
    f.world.map.learn(blob(1), 2, {}, base::Steady::now());
    f.keeper.save();
    const auto rows = f.world.ledger->load_map(10);
    REQUIRE(rows->size() == 1);
    CHECK(rows->front().servers == std::vector{f.url(0), f.url(2)});
    CHECK(rows->front().size == 5);
    CHECK(rows->front().type == "image/png");
    CHECK(std::abs(rows->front().time - f.world.clock.unix_now()) <= 2);
}

TEST_CASE("servers that are in use no more are not restored, and entries with no other") {
    Fixture f;
    const auto now = f.world.clock.unix_now();
    REQUIRE(f.world.ledger->save_map(
        {{blob(1), {kGone, f.url(1)}, now, 7}, {blob(2), {kGone}, now}, {blob(3), {}, now}}));
    f.keeper.restore();
    REQUIRE(f.find(1));
    CHECK(f.find(1)->servers.bits() == 0b10);
    CHECK(f.find(1)->facts.size == 7);
    CHECK_FALSE(f.find(2));
    CHECK(f.world.map.snapshot().entries == 1);
}

TEST_CASE("a restored entry is due for a check at once, and forgotten at its old time") {
    Fixture f({.verify_after = Seconds{20}});
    const auto now = f.world.clock.unix_now();
    REQUIRE(f.world.ledger->save_map({{blob(1), {f.url(0)}, now},
                                      {blob(2), {f.url(0)}, now - 100},
                                      {blob(3), {f.url(0)}, now - 301}}));
    f.keeper.restore();
    CHECK(f.world.map.claim_check(blob(1), base::Steady::now(), Seconds{20}));
    CHECK(f.world.map.find(blob(2), base::Steady::now() + Seconds{190}));
    CHECK_FALSE(f.world.map.find(blob(2), base::Steady::now() + Seconds{210}));
    CHECK_FALSE(f.find(3));
}

TEST_CASE("what changes is saved at intervals, and at the end") {
    Fixture f({.interval = Milliseconds{1}});
    const auto saved = [&] { return f.world.ledger->load_map(10)->size(); };
    f.keeper.start();
    f.world.map.learn(blob(1), 0, {}, base::Steady::now());
    CHECK(f.world.wait_for([&] { return saved() == 1; }));
    f.keeper.stop();

    fanout::MapKeeper seldom({.interval = Milliseconds{0}}, f.world.network(), *f.world.ledger);
    seldom.start();
    f.world.map.learn(blob(2), 0, {}, base::Steady::now());
    seldom.stop();
    CHECK(saved() == 2);
}
