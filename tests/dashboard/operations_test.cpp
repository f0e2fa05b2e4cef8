// What is remembered of operations, and how it changes.
#include "dashboard/operations.h"

#include <doctest/doctest.h>

#include "support/manual_clock.h"

using namespace espalier;
using dashboard::Operation;
using dashboard::OperationLeg;
using dashboard::Operations;
using fleet::Outcome;
using fleet::OutcomeKind;

namespace {

Outcome outcome(fleet::UpstreamId upstream, OutcomeKind kind) {
    return {.upstream = upstream, .kind = kind, .reason = {}};
}

std::string host(fleet::UpstreamId upstream) {
    return "up" + std::to_string(upstream);
}

struct Fixture {
    test::ManualClock clock;
    Operations operations{clock, 3};

    void reply(std::uint64_t id) {
        operations.change(id, [](Operation& one) { one.status = 201; });
    }
};

}  // namespace

TEST_CASE("only the last operations are kept, and a change of an older one is nobody's") {
    Fixture f;
    const auto first = f.operations.begin("upload", "r1");
    for (int i = 0; i < 3; ++i) f.operations.begin("delete", "r");
    f.reply(first);
    const auto all = f.operations.since(0);
    REQUIRE(all.size() == 3);
    for (const auto& one : all) {
        CHECK(one.what == "delete");
        CHECK(one.status == 0);
    }
}

TEST_CASE("who has seen a version is told only of what has changed since") {
    Fixture f;
    const auto first = f.operations.begin("upload", "r1");
    f.operations.begin("list", "r2");
    const auto seen = f.operations.since(0).back().version;
    CHECK(f.operations.since(seen).empty());
    f.reply(first);
    const auto changed = f.operations.since(seen);
    REQUIRE(changed.size() == 1);
    CHECK(changed[0].id == first);
    CHECK(changed[0].version > seen);
}

TEST_CASE("how far it is is asked of an operation until it is over") {
    Fixture f;
    const auto id = f.operations.begin("upload", "r1");
    const auto seen = f.operations.since(0).back().version;
    f.operations.change(id, [](Operation& one) {
        one.legs = {{.host = "up0", .outcome = outcome(0, OutcomeKind::pending)}};
    });
    f.operations.follow(id, [] { return std::vector<std::uint64_t>{77}; });
    CHECK(f.operations.since(seen + 10).at(0).legs.at(0).fed == 77);
    // Answered, but a server is still at it.
    f.reply(id);
    CHECK_FALSE(f.operations.since(0).at(0).is_over());
    CHECK(f.operations.since(seen + 10).size() == 1);
    f.operations.change(id,
                        [](Operation& one) { one.legs[0].outcome = outcome(0, OutcomeKind::ok); });
    CHECK(f.operations.since(0).at(0).is_over());
    CHECK(f.operations.since(seen + 10).empty());
}

TEST_CASE("every change rings") {
    Fixture f;
    const auto bell = std::make_shared<base::Bell>();
    f.operations.ring_on_change(bell);
    const auto id = f.operations.begin("upload", "r1");
    CHECK(bell->clear());
    f.reply(id);
    CHECK(bell->clear());
    CHECK_FALSE(bell->clear());
}

TEST_CASE("what servers say later takes the place of what they said, but for a success") {
    std::vector<OperationLeg> legs;
    const std::vector<Outcome> first{outcome(0, OutcomeKind::pending), outcome(1, OutcomeKind::ok)};
    merge(legs, first, host);
    const std::vector<Outcome> later{outcome(1, OutcomeKind::upstream_fault),
                                     outcome(0, OutcomeKind::client_fault),
                                     outcome(2, OutcomeKind::ok)};
    merge(legs, later, host);
    REQUIRE(legs.size() == 3);
    CHECK(legs[0].host == "up0");
    CHECK(legs[0].outcome.kind == OutcomeKind::client_fault);
    CHECK(legs[1].outcome.kind == OutcomeKind::ok);
    CHECK(legs[2].host == "up2");
}
