// One small request to each of several servers at once.
#include "fanout/fan.h"

#include <doctest/doctest.h>

#include "world.h"

using namespace espalier;
using namespace espalier::test;
using fanout::fan_out;
using fanout::FanLeg;
using fanout::FanRules;
using fleet::OutcomeKind;

namespace {

std::vector<FanLeg> legs(World& world, std::string_view method, std::string_view path) {
    std::vector<FanLeg> all;
    const auto deadline = base::Deadline::after(kPatience);
    for (const auto& upstream : world.fleet->upstreams())
        all.push_back({upstream.id, fanout::request_to(upstream, method, path, deadline)});
    return all;
}

std::vector<fleet::Outcome> delete_everywhere(World& world,
                                              const FanRules& rules = {.op = fleet::Op::remove,
                                                                       .enough = {}}) {
    return fan_out(world.network(), legs(world, "DELETE", "/" + sha256_hex("a blob")), rules);
}

}  // namespace

TEST_CASE("every server is asked, and the outcomes come in the order of the legs") {
    World world;
    world.server(0).put_blob("a blob");
    world.server(2).stop();
    const auto outcomes = delete_everywhere(world);
    REQUIRE(outcomes.size() == 3);
    CHECK(outcomes[0].kind == OutcomeKind::ok);
    CHECK(outcomes[1].status == 404);
    CHECK(outcomes[2].word() == "refused");
    for (fleet::UpstreamId id = 0; id < 3; ++id) CHECK(outcomes[id].upstream == id);
    CHECK(world.server(0).blobs() == 0);
    for (std::size_t i = 0; i < 3; ++i) CHECK(world.snapshot(i).in_flight == 0);
    CHECK(world.snapshot(0).tallies[static_cast<std::size_t>(fleet::Op::remove)].success == 1);
}

TEST_CASE("nobody to ask is no outcome") {
    World world;
    CHECK(fan_out(world.network(), {}, {.enough = {}}).empty());
}

TEST_CASE("what is missing of an optional endpoint is a lack") {
    World world;
    world.server(1).edit([](Script& script) { script.on(Op::check).status = 405; });
    const auto outcomes =
        fan_out(world.network(), legs(world, "HEAD", "/upload"),
                {.op = fleet::Op::preflight, .optional_endpoint = true, .enough = {}});
    CHECK(outcomes[1].kind == OutcomeKind::capability);
}

TEST_CASE("when enough is known the rest is cancelled, not failed") {
    World world({.max_failures = 1});
    world.server(1).edit([](Script& script) { script.on(Op::remove).before_answer.hold = true; });
    const auto outcomes =
        delete_everywhere(world, {.op = fleet::Op::remove, .enough = [](const auto& so_far) {
                                      return so_far[0].kind != OutcomeKind::pending &&
                                             so_far[2].kind != OutcomeKind::pending;
                                  }});
    CHECK(outcomes[0].status == 404);
    CHECK(outcomes[1].kind == OutcomeKind::cancelled);
    CHECK(outcomes[2].status == 404);
    CHECK(world.snapshot(1).healthy);
    CHECK(world.snapshot(1).in_flight == 0);
}

TEST_CASE("a leg that broke below HTTP is tried again as often as allowed") {
    World world;
    world.server(1).put_blob("a blob");
    world.server(1).edit([](Script& script) {
        script.on(Op::remove).cut = Cut::rst;
        script.on(Op::remove).times = 2;
    });
    const auto outcomes =
        delete_everywhere(world, {.op = fleet::Op::remove, .retries_max = 2, .enough = {}});
    CHECK(outcomes[1].kind == OutcomeKind::ok);
    CHECK(world.server(1).count("DELETE") == 3);
    CHECK(world.server(0).count("DELETE") == 1);
    CHECK(world.snapshot(1).in_flight == 0);
}

TEST_CASE("tries have an end, and without retries one break is the outcome") {
    for (const int retries : {0, 1}) {
        World world;
        world.server(1).edit([](Script& script) { script.on(Op::remove).cut = Cut::rst; });
        const auto outcomes = delete_everywhere(
            world, {.op = fleet::Op::remove, .retries_max = retries, .enough = {}});
        CHECK(outcomes[1].word() == "reset");
        CHECK(world.server(1).count("DELETE") == static_cast<std::size_t>(retries) + 1);
    }
}

TEST_CASE("an answer over HTTP is never asked for again") {
    World world;
    world.server(1).edit([](Script& script) { script.on(Op::remove).status = 500; });
    const auto outcomes =
        delete_everywhere(world, {.op = fleet::Op::remove, .retries_max = 3, .enough = {}});
    CHECK(outcomes[1].status == 500);
    CHECK(world.server(1).count("DELETE") == 1);
}
