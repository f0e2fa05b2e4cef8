// Which servers a token is good for, and what each of them is sent of it.
#include <doctest/doctest.h>

#include "base/base64.h"
#include "fleet/upstreams.h"
#include "gateway/targets.h"
#include "support/manual_clock.h"
#include "support/token.h"

using namespace espalier;
using fleet::OutcomeKind;
using gateway::choose_targets;
using gateway::Targets;
using Ids = std::vector<fleet::UpstreamId>;

namespace {

constexpr std::int64_t kNow = 1'750'000'000;

// Three servers, "https://up0.example" and so on.
struct Fixture {
    explicit Fixture(std::vector<fleet::Upstream> wanted = test::upstreams(3))
        : fleet({.upstreams = std::move(wanted), .max_failures = 2}, clock) {}

    // Who gets a delete that carries a token with these server tags.
    Targets with_tags(std::vector<std::string> tags, std::int64_t age = 0) {
        const auto caller = caller_of(std::move(tags), age);
        return choose_targets(fleet, caller, kNow, std::nullopt);
    }
    static protocol::Caller caller_of(std::vector<std::string> tags, std::int64_t age = 0) {
        const protocol::Authorizer authorizer(
            {.allowed = {},
             .accept_server_tags = protocol::AcceptServerTags::any,
             .upstream_hosts = {}});
        const auto header = test::token({.verb = "upload",
                                         .servers = std::move(tags),
                                         .created_at = kNow - age,
                                         .expiration = kNow + 3600});
        const auto checked =
            authorizer.check(header, protocol::Verb::upload, {}, "gw.example", kNow);
        REQUIRE(checked.has_value());
        return *checked;
    }

    test::ManualClock clock{kNow};
    fleet::Fleet fleet;
};

}  // namespace

TEST_CASE("a token without server tags is good everywhere, and so is no token") {
    Fixture f;
    CHECK(f.with_tags({}).chosen == Ids{0, 1, 2});
    CHECK(choose_targets(f.fleet, std::nullopt, kNow, std::nullopt).chosen == Ids{0, 1, 2});
}

TEST_CASE("a server that the token does not name gets no request") {
    Fixture f;
    const auto targets = f.with_tags({"up1.example", "gw.example"});
    CHECK(targets.chosen == Ids{1});
    REQUIRE(targets.left_out.size() == 2);
    for (const auto& out : targets.left_out) {
        CHECK(out.kind == OutcomeKind::out_of_scope);
        CHECK(out.status == 401);
        CHECK_FALSE(out.sent);
        CHECK(out.word() == "out_of_scope");
    }
    CHECK(targets.left_out[1].reason.find("up2.example") != std::string::npos);
}

TEST_CASE("server tags match whatever their case, scheme, port, path and final dot") {
    Fixture f;
    for (const auto* const tag :
         {"up1.example", "UP1.Example", "https://up1.example/", "up1.example:443",
          "http://up1.example:8080/upload", "up1.example."}) {
        CAPTURE(std::string(tag));
        CHECK(f.with_tags({tag}).chosen == Ids{1});
    }
    for (const auto* const tag : {"example", "up1.example.evil", "xup1.example", "up1"})
        CHECK(f.with_tags({tag}).chosen.empty());
}

TEST_CASE("a server said to accept any tag is always in scope") {
    auto all = test::upstreams(3);
    all[2].server_tag_match = fleet::ServerTagMatch::any;
    CHECK(Fixture(all).with_tags({"gw.example"}).chosen == Ids{2});
}

TEST_CASE("a token older than a server takes is kept from it, to the second") {
    auto all = test::upstreams(3);
    all[1].max_token_age = base::Seconds{180};
    Fixture f(all);
    CHECK(f.with_tags({}, 180).chosen == Ids{0, 1, 2});
    const auto targets = f.with_tags({}, 181);
    CHECK(targets.chosen == Ids{0, 2});
    REQUIRE(targets.left_out.size() == 1);
    CHECK(targets.left_out[0].kind == OutcomeKind::client_fault);
    CHECK(targets.left_out[0].status == 401);
}

TEST_CASE("a paused server is left out until its pause ends") {
    Fixture f;
    auto outcome = test::throttle(30);
    outcome.upstream = 0;
    f.fleet.record(fleet::Op::upload, outcome);
    auto targets = f.with_tags({});
    CHECK(targets.chosen == Ids{1, 2});
    CHECK(targets.left_out[0].status == 503);
    CHECK(targets.left_out[0].word() == "skipped");
    f.clock.advance(base::Seconds{30});
    CHECK(f.with_tags({}).chosen == Ids{0, 1, 2});
}

TEST_CASE("a suspect server is still sent uploads, an unhealthy one only for the quorum's sake") {
    Fixture f;
    auto outcome = test::timeout();
    outcome.upstream = 0;
    f.fleet.record(fleet::Op::upload, outcome);
    const auto chosen = [&](int quorum) {
        return choose_targets(f.fleet, std::nullopt, kNow,
                              gateway::Offer{.quorum = quorum, .bytes = {}, .type = {}})
            .chosen;
    };
    CHECK(chosen(2) == Ids{0, 1, 2});
    f.fleet.record(fleet::Op::upload, outcome);
    CHECK(chosen(2) == Ids{1, 2});
    CHECK(chosen(3) == Ids{1, 2, 0});
}

TEST_CASE("a token goes to each server in the encoding that it reads") {
    const auto caller = Fixture::caller_of({});
    auto upstream = test::upstream(0);
    const auto padded = gateway::authorization_for(upstream, caller, "Nostr raw");
    CHECK(padded == "Nostr " + base::to_base64(caller.event_json));
    upstream.auth_encoding = protocol::TokenEncoding::url;
    CHECK(gateway::authorization_for(upstream, caller, "Nostr raw") ==
          "Nostr " + base::to_base64url(caller.event_json));
}

TEST_CASE("a header that we cannot read is passed on as it is, and nothing as nothing") {
    const auto upstream = test::upstream(0);
    CHECK(gateway::authorization_for(upstream, std::nullopt, "Bearer abc") == "Bearer abc");
    CHECK(gateway::authorization_for(upstream, std::nullopt, "").empty());
}
