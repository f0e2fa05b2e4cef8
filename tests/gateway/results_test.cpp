// How many servers' outcomes are told to one client.
#include "gateway/results.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fleet/upstreams.h"
#include "support/manual_clock.h"

using namespace espalier;
using fleet::Outcome;
using fleet::OutcomeKind;
using Json = nlohmann::json;

namespace {

struct Fixture {
    explicit Fixture(std::vector<fleet::Upstream> upstreams = test::upstreams(3))
        : fleet({.upstreams = std::move(upstreams)}, clock) {}

    std::string results(std::vector<Outcome> outcomes) {
        return gateway::upstream_results(fleet, numbered(std::move(outcomes)));
    }
    Json body(std::vector<Outcome> outcomes) {
        return Json::parse(gateway::error_body(fleet, "it failed", numbered(std::move(outcomes))),
                           nullptr, false);
    }
    static std::vector<Outcome> numbered(std::vector<Outcome> outcomes) {
        for (std::size_t i = 0; i < outcomes.size(); ++i)
            outcomes[i].upstream = static_cast<fleet::UpstreamId>(i);
        return outcomes;
    }

    test::ManualClock clock;
    fleet::Fleet fleet;
};

Outcome with_reason(Outcome outcome, std::string reason) {
    outcome.reason = std::move(reason);
    return outcome;
}

std::string text_of(const http::Reply& reply) {
    return std::get<std::string>(reply.content());
}

}  // namespace

TEST_CASE("each server stands in the results with its status or a word") {
    Fixture f;
    CHECK(f.results({test::ok(201), test::timeout(), test::refused()}) ==
          "up0.example=201, up1.example=timeout, up2.example=refused");
    CHECK(f.results({test::out_of_scope(), test::paused(), test::pending()}) ==
          "up0.example=out_of_scope, up1.example=skipped, up2.example=pending");
    CHECK(f.results({test::broke(fleet::Break::tls), test::broke(fleet::Break::reset),
                     test::client(413)}) == "up0.example=tls, up1.example=reset, up2.example=413");
    CHECK(f.results({}).empty());
}

TEST_CASE("the results end before 4 KiB, at a whole entry") {
    std::vector<fleet::Upstream> all;
    std::vector<Outcome> outcomes;
    for (int i = 0; i < 64; ++i) {
        const auto name = std::string(60, 'a') + "." + std::string(40, 'b') +
                          std::to_string(100 + i) + ".example";
        all.push_back(test::upstream(static_cast<fleet::UpstreamId>(i), "https://" + name));
        outcomes.push_back(test::timeout());
    }
    Fixture f(std::move(all));
    const auto line = f.results(std::move(outcomes));
    CHECK(line.size() <= 4096);
    CHECK(line.size() > 3900);
    CHECK(line.ends_with("=timeout"));
}

TEST_CASE("hosts are shown, addresses that we connect to instead are not") {
    auto all = test::upstreams(2);
    all[0].connect_to = "10.1.2.3:9000";
    all[1] = test::upstream(1, "http://second.example:3000/base");
    Fixture f(std::move(all));
    const auto outcomes = Fixture::numbered({test::refused(), test::fault(500)});
    const auto shown = f.results(outcomes) + gateway::error_body(f.fleet, "no", outcomes);
    CHECK(shown.find("10.1.2.3") == std::string::npos);
    CHECK(shown.find("second.example:3000=500") != std::string::npos);
    CHECK(shown.find("/base") == std::string::npos);
}

TEST_CASE("an error's body names every server with its status and reason") {
    Fixture f;
    const auto body = f.body({with_reason(test::client(413), "too big"), test::ok(201),
                              with_reason(test::timeout(), "too slow")});
    REQUIRE(body.is_object());
    CHECK(body["message"] == "it failed");
    REQUIRE(body["upstreams"].size() == 3);
    CHECK(body["upstreams"][0] ==
          Json{{"host", "up0.example"}, {"status", 413}, {"reason", "too big"}});
    CHECK(body["upstreams"][1]["status"] == 201);
    CHECK(body["upstreams"][2] ==
          Json{{"host", "up2.example"}, {"status", "timeout"}, {"reason", "too slow"}});
}

TEST_CASE("who was left out has a word for a status, not the one it would have given") {
    Fixture f;
    const auto body = f.body({test::out_of_scope(), test::paused()});
    CHECK(body["upstreams"][0]["status"] == "out_of_scope");
    CHECK(body["upstreams"][1]["status"] == "skipped");
    CHECK(body["upstreams"][1]["reason"] == "it asked us to pause");
}

TEST_CASE("an error's body is JSON whatever bytes a server's reason holds") {
    Fixture f;
    CHECK(f.body({with_reason(test::client(400), "\xff\x80\"\n\\")}).is_object());
}

TEST_CASE("an error reply carries status, reason, results and body") {
    Fixture f;
    const auto outcomes = Fixture::numbered({test::client(413), test::client(413)});
    const auto verdict = fleet::judge(outcomes, 2);
    const auto reply = gateway::error_reply(f.fleet, verdict, outcomes);
    CHECK(reply.status() == 413);
    CHECK(reply.headers().value("X-Reason") == verdict.reason);
    CHECK(reply.headers().value("X-Upstream-Results") == "up0.example=413, up1.example=413");
    CHECK(reply.headers().value("Content-Type") == "application/json");
    CHECK_FALSE(reply.headers().has("Retry-After"));
    CHECK(Json::parse(text_of(reply), nullptr, false)["message"] == verdict.reason);
}

TEST_CASE("429 and 503 always say when to come again") {
    Fixture f;
    const auto retry_after = [&](std::vector<Outcome> outcomes) {
        const auto all = Fixture::numbered(std::move(outcomes));
        return std::string(gateway::error_reply(f.fleet, fleet::judge(all, 2), all)
                               .headers()
                               .value("Retry-After"));
    };
    CHECK(retry_after({test::throttle(7), test::throttle(90)}) == "90");
    CHECK(retry_after({test::throttle(), test::throttle()}) == "1");
    CHECK(retry_after({test::refused(), test::refused()}) == "1");
}
