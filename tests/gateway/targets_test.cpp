// Who is sent an upload or a delete, and why the others are not.
#include "gateway/targets.h"

#include <doctest/doctest.h>

#include "fleet/upstreams.h"
#include "support/manual_clock.h"

namespace espalier::test {
namespace {

using fleet::OutcomeKind;
using gateway::authorization_for;
using gateway::authorization_if_welcome;
using gateway::authorized_until;
using gateway::choose_readable;
using gateway::choose_targets;
using gateway::Offer;
using Ids = std::vector<fleet::UpstreamId>;

constexpr std::int64_t kNow = 1'700'000'000;

// Four servers; the last one is changed by the test.
struct Fixture {
    explicit Fixture(const std::function<void(fleet::Upstream&)>& change = {}) {
        auto all = upstreams(4);
        if (change) change(all[3]);
        fleet.emplace(fleet::Fleet::Options{.upstreams = std::move(all), .max_failures = 1}, clock);
    }
    void throttle_last() {
        auto outcome = throttle(60);
        outcome.upstream = 3;
        fleet->record(fleet::Op::upload, outcome);
    }
    void break_down(fleet::UpstreamId id) {
        auto outcome = fault(500);
        outcome.upstream = id;
        fleet->record(fleet::Op::upload, outcome);
    }
    void refuse(fleet::UpstreamId id, int status) {
        auto outcome = client(status);
        outcome.upstream = id;
        fleet->learn_what_it_takes(outcome, 1000, "image/png");
    }
    gateway::Targets upload(const Offer& offer,
                            const std::optional<protocol::Caller>& caller = {}) {
        return choose_targets(*fleet, caller, kNow, offer);
    }

    ManualClock clock{kNow};
    std::optional<fleet::Fleet> fleet;
};

protocol::Caller limited_to(const std::vector<std::string>& servers) {
    return {.pubkey = {},
            .event_json = "{}",
            .created_at = kNow - 1000,
            .hashes = {},
            .servers = servers,
            .server_tags = servers};
}

void check_last_is_out(const gateway::Targets& targets, OutcomeKind kind, int status) {
    CHECK(targets.chosen == Ids{0, 1, 2});
    REQUIRE(targets.left_out.size() == 1);
    CHECK(targets.left_out[0].upstream == 3);
    CHECK(targets.left_out[0].kind == kind);
    CHECK(targets.left_out[0].status == status);
    CHECK_FALSE(targets.left_out[0].sent);
    CHECK_FALSE(targets.left_out[0].reason.empty());
}

}  // namespace

TEST_CASE("unhealthy servers are asked only when the quorum needs them, a delete goes to all") {
    Fixture fixture;
    fixture.break_down(1);
    const auto met = fixture.upload({.quorum = 3});
    CHECK(met.chosen == Ids{0, 2, 3});
    REQUIRE(met.left_out.size() == 1);
    CHECK(met.left_out[0].status == 503);
    CHECK(fixture.upload({.quorum = 4}).chosen == Ids{0, 2, 3, 1});
    CHECK(choose_targets(*fixture.fleet, {}, kNow, {}).chosen == Ids{0, 2, 3, 1});
}

TEST_CASE("a server that takes no uploads says so, whatever else is against it") {
    Fixture fixture([](fleet::Upstream& last) {
        last.mode = fleet::Mode::ro;
        last.blob_bytes_max = 10;
    });
    fixture.throttle_last();
    const auto caller = limited_to({"up0.example", "up1.example", "up2.example"});
    const auto targets = fixture.upload({.quorum = 2, .bytes = 11}, caller);
    check_last_is_out(targets, OutcomeKind::upstream_fault, 503);
    CHECK(targets.left_out[0].reason == "the server is read-only");
}

TEST_CASE("what a server never takes goes before the token's scope and a pause") {
    Fixture fixture([](fleet::Upstream& last) {
        last.blob_bytes_max = 10;
        last.types_denied = {"image/*"};
    });
    fixture.throttle_last();
    const auto caller = limited_to({"up0.example", "up1.example", "up2.example"});
    check_last_is_out(fixture.upload({.bytes = 11, .type = "image/png"}, caller),
                      OutcomeKind::client_fault, 413);
    check_last_is_out(fixture.upload({.bytes = 10, .type = "image/png"}, caller),
                      OutcomeKind::client_fault, 415);
    check_last_is_out(fixture.upload({.bytes = 10}, caller), OutcomeKind::out_of_scope, 401);
    check_last_is_out(fixture.upload({.bytes = 10}), OutcomeKind::upstream_fault, 503);
}

TEST_CASE("a server for some users' blobs gets no others, and none of somebody unknown") {
    const protocol::PublicKey user(protocol::KeyBytes{std::byte{7}});
    Fixture fixture([&](fleet::Upstream& last) { last.users = {user}; });
    auto caller = limited_to({});
    check_last_is_out(fixture.upload({}, caller), OutcomeKind::client_fault, 403);
    check_last_is_out(fixture.upload({}), OutcomeKind::client_fault, 403);
    caller.pubkey = user;
    CHECK(fixture.upload({}, caller).chosen == Ids{0, 1, 2, 3});
    CHECK(choose_targets(*fixture.fleet, limited_to({}), kNow, {}).chosen == Ids{0, 1, 2, 3});
}

TEST_CASE("a server that is required is asked, well or not") {
    Fixture fixture([](fleet::Upstream& last) { last.required = true; });
    fixture.break_down(3);
    CHECK(fixture.upload({.quorum = 2}).chosen == Ids{0, 1, 2, 3});
    fixture.throttle_last();
    check_last_is_out(fixture.upload({.quorum = 2}), OutcomeKind::upstream_fault, 503);
}

TEST_CASE("who refused the like before is left out, with the outcome it would have") {
    Fixture fixture;
    fixture.refuse(3, 413);
    check_last_is_out(fixture.upload({.quorum = 3, .bytes = 1000}), OutcomeKind::client_fault, 413);
    CHECK(fixture.upload({.quorum = 3, .bytes = 999}).chosen == Ids{0, 1, 2, 3});
    CHECK(fixture.upload({.quorum = 3}).chosen == Ids{0, 1, 2, 3});
    fixture.refuse(3, 415);
    check_last_is_out(fixture.upload({.quorum = 3, .bytes = 1, .type = "IMAGE/png; a=b"}),
                      OutcomeKind::client_fault, 415);
    CHECK(fixture.upload({.quorum = 3, .bytes = 1, .type = "image/jpeg"}).chosen ==
          Ids{0, 1, 2, 3});
    CHECK(choose_targets(*fixture.fleet, {}, kNow, {}).chosen == Ids{0, 1, 2, 3});
}

TEST_CASE("who refused the like before is asked all the same when the quorum needs it") {
    Fixture fixture;
    fixture.refuse(3, 413);
    CHECK(fixture.upload({.quorum = 4, .bytes = 1000}).chosen == Ids{0, 1, 2, 3});
    // The unhealthy one is no replacement.
    fixture.break_down(0);
    CHECK(fixture.upload({.quorum = 3, .bytes = 1000}).chosen == Ids{1, 2, 0, 3});
    const auto met = fixture.upload({.quorum = 2, .bytes = 1000});
    CHECK(met.chosen == Ids{1, 2});
    CHECK(met.left_out.size() == 2);
}

TEST_CASE("a body of unknown length is offered to everybody") {
    Fixture fixture([](fleet::Upstream& last) { last.blob_bytes_max = 10; });
    CHECK(fixture.upload({}).chosen == Ids{0, 1, 2, 3});
}

TEST_CASE("a server that gets no token is asked whatever the token's scope and age") {
    Fixture fixture([](fleet::Upstream& last) {
        last.max_token_age = base::Seconds{180};
        last.auth = fleet::Auth::none;
    });
    const auto caller = limited_to({"up0.example", "up1.example", "up2.example"});
    CHECK(fixture.upload({}, caller).chosen == Ids{0, 1, 2, 3});
    CHECK(gateway::authorization_for(fixture.fleet->at(3), caller, "Nostr raw") == "");
    CHECK(gateway::authorization_for(fixture.fleet->at(3), {}, "Nostr raw") == "");
    CHECK(gateway::authorization_for(fixture.fleet->at(0), {}, "Nostr raw") == "Nostr raw");
}

TEST_CASE("a token is good until it ends, or is older than the server takes") {
    constexpr auto kForever = std::numeric_limits<std::int64_t>::max();
    auto caller = limited_to({});
    caller.created_at = kNow;
    caller.expiration = kNow + 3600;
    auto upstream = upstreams(1).front();
    CHECK(authorized_until(upstream, caller) == kNow + 3600);
    CHECK(authorized_until(upstream, std::nullopt) == kForever);
    upstream.max_token_age = base::Seconds{180};
    CHECK(authorized_until(upstream, caller) == kNow + 180);
    caller.expiration = kNow + 60;
    CHECK(authorized_until(upstream, caller) == kNow + 60);
    upstream.auth = fleet::Auth::none;
    CHECK(authorized_until(upstream, caller) == kForever);
}

TEST_CASE("a server that compares whole URLs wants its own, but for the last slash") {
    Fixture fixture(
        [](fleet::Upstream& last) { last.server_tag_match = fleet::ServerTagMatch::url; });
    const auto names = [&](const std::string& tag) {
        auto caller = limited_to({"up0.example", "up1.example", "up2.example", "up3.example"});
        caller.server_tags = {"up0.example", tag};
        return fixture.upload({}, caller).chosen.size() == 4;
    };
    CHECK(names("https://up3.example"));
    CHECK(names("https://up3.example/"));
    CHECK(names("HTTPS://UP3.example:443"));
    CHECK_FALSE(names("up3.example"));
    CHECK_FALSE(names("http://up3.example"));
    CHECK_FALSE(names("https://up3.example/blobs"));
}

TEST_CASE("a question goes to everybody that clients may be sent to and that is well") {
    Fixture source([](fleet::Upstream& last) { last.mode = fleet::Mode::source; });
    CHECK(choose_readable(*source.fleet).chosen == Ids{0, 1, 2});
    CHECK(choose_readable(*source.fleet).left_out.empty());
    for (const auto mode : {fleet::Mode::ro, fleet::Mode::drain}) {
        Fixture f([&](fleet::Upstream& last) { last.mode = mode; });
        CHECK(choose_readable(*f.fleet).chosen == Ids{0, 1, 2, 3});
    }
    Fixture paused;
    paused.throttle_last();
    check_last_is_out(choose_readable(*paused.fleet), OutcomeKind::upstream_fault, 503);
    Fixture broken;
    broken.break_down(3);
    check_last_is_out(choose_readable(*broken.fleet), OutcomeKind::upstream_fault, 503);
    for (const fleet::UpstreamId id : Ids{0, 1, 2}) broken.break_down(id);
    CHECK(choose_readable(*broken.fleet).chosen == Ids{0, 1, 2, 3});
}

TEST_CASE("a question carries the token only to those that would take it") {
    const auto header_for = [](const fleet::Upstream& upstream,
                               const std::optional<protocol::Caller>& caller) {
        return authorization_if_welcome(upstream, caller, "Nostr raw", kNow);
    };
    auto one = upstream(0, "https://one.example");
    CHECK(header_for(one, limited_to({})) != "");
    CHECK(header_for(one, limited_to({"one.example"})) != "");
    CHECK(header_for(one, limited_to({"two.example"})) == "");
    CHECK(header_for(one, std::nullopt) == "Nostr raw");
    one.max_token_age = base::Seconds{180};
    CHECK(header_for(one, limited_to({})) == "");
    one.max_token_age = {};
    one.auth = fleet::Auth::none;
    CHECK(header_for(one, limited_to({})) == "");
}

}  // namespace espalier::test
