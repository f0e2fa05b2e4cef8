// Health, pauses and tallies: only an upstream's own faults count against it.
#include "fleet/fleet.h"

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/manual_clock.h"
#include "upstreams.h"

using namespace espalier;
using fleet::Fleet;
using fleet::Op;
using fleet::Outcome;
using fleet::OutcomeKind;
using test::ManualClock;

namespace {

struct Fixture {
    explicit Fixture(std::uint32_t max_failures = 3)
        : fleet({.upstreams = test::upstreams(3), .max_failures = max_failures}, clock,
                [this](const fleet::Upstream& who, bool healthy, const std::string& why) {
                    told.with([&](auto& all) {
                        all.push_back(base::text(who.host(), healthy ? " up: " : " down: ", why));
                    });
                }) {}

    void record(Outcome outcome, int times = 1, Op op = Op::upload) {
        outcome.upstream = 1;
        for (int i = 0; i < times; ++i) fleet.record(op, outcome);
    }
    fleet::UpstreamSnapshot snapshot() const { return fleet.snapshot().at(1); }
    std::vector<std::string> changes() const {
        return told.with([](const auto& all) { return all; });
    }
    std::uint32_t failures() const { return snapshot().consecutive_failures; }

    ManualClock clock;
    base::Guarded<std::vector<std::string>> told;
    Fleet fleet;
};

}  // namespace

TEST_CASE("an upstream is unhealthy at max_failures faults in a row, not before") {
    Fixture f;
    f.record(test::fault(500), 2);
    CHECK(f.fleet.healthy(1));
    f.record(test::fault(500));
    CHECK_FALSE(f.fleet.healthy(1));
    CHECK(f.fleet.healthy(0));
    CHECK(f.fleet.healthy_count() == 2);
    CHECK(f.failures() == 3);
}

TEST_CASE("any answer makes an upstream healthy again") {
    for (const auto& answer : {test::ok(), test::client(404), test::client(401), test::client(413),
                               test::pay(), test::throttle(), test::absent()}) {
        Fixture f;
        f.record(test::timeout(), 5);
        CHECK_FALSE(f.fleet.healthy(1));
        CHECK(f.fleet.suspect(1));
        f.record(answer);
        CHECK(f.fleet.healthy(1));
        CHECK_FALSE(f.fleet.suspect(1));
        CHECK(f.failures() == 0);
    }
}

TEST_CASE("how long lookups and uploads took is counted, faults and refusals left out") {
    Fixture f;
    auto found = test::ok();
    found.elapsed = base::Milliseconds{7};
    f.record(found, 2, Op::lookup);
    f.record(found, 1, Op::probe);
    f.record(found, 4, Op::upload);
    f.record(test::fault(500), 1, Op::lookup);
    f.record(test::client(403), 1, Op::upload);
    CHECK(f.snapshot().lookups_took.count() == 3);
    CHECK(f.snapshot().uploads_took.count() == 4);
    CHECK(f.snapshot().uploads_took.sum_ms == 28);
}

TEST_CASE("failures are counted by what an operator calls them; a question's no is none") {
    Fixture f;
    const auto count = [&](fleet::Failure failure) {
        return f.snapshot().failures.at(static_cast<std::size_t>(failure));
    };
    f.record(test::client(403), 2);
    f.record(test::client(404), 1, Op::lookup);
    f.record(test::fault(503), 1, Op::lookup);
    f.record(test::timeout());
    f.record(test::out_of_scope());
    auto liar = test::fault(200);
    liar.wrong_hash = true;
    f.record(liar, 1, Op::download);
    CHECK(count(fleet::Failure::forbidden) == 2);
    CHECK(count(fleet::Failure::other_client_error) == 0);
    CHECK(count(fleet::Failure::server_error) == 1);
    CHECK(count(fleet::Failure::timeout) == 1);
    CHECK(count(fleet::Failure::out_of_scope) == 1);
    CHECK(count(fleet::Failure::wrong_hash) == 1);
    CHECK(f.snapshot().last_error_op == "download");
}

TEST_CASE("faults that an answer interrupts do not add up") {
    Fixture f;
    for (int i = 0; i < 10; ++i) {
        f.record(test::fault(503), 2);
        f.record(test::client(404));
    }
    CHECK(f.fleet.healthy(1));
    CHECK(f.changes().empty());
}

TEST_CASE("the client's faults never count against an upstream") {
    Fixture f(1);
    for (const int status : {400, 401, 403, 404, 409, 411, 413, 415, 422})
        f.record(test::client(status), 10);
    f.record(test::pay(), 10);
    CHECK(f.fleet.healthy(1));
    CHECK(f.failures() == 0);
    CHECK(f.changes().empty());
}

TEST_CASE("one fault of the connection makes an upstream suspect, a 500 does not") {
    using fleet::Break;
    Fixture f;
    f.record(test::fault(500));
    CHECK_FALSE(f.fleet.suspect(1));
    for (const auto how : {Break::refused, Break::tls, Break::timeout, Break::reset}) {
        Fixture g;
        g.record(test::broke(how));
        CHECK(g.fleet.suspect(1));
        CHECK(g.fleet.healthy(1));
        CHECK(g.fleet.candidate(1).suspect);
        g.record(test::ok());
        CHECK_FALSE(g.fleet.suspect(1));
    }
}

TEST_CASE("what was given up, or left out by the token, is counted but says nothing of health") {
    Fixture f(1);
    f.record(test::cancelled());
    f.record(test::out_of_scope());
    const auto after = f.snapshot();
    CHECK(after.healthy);
    CHECK(after.last_success == 0);
    CHECK(after.tallies[0].success + after.tallies[0].failure == 0);
    CHECK(after.outcomes[static_cast<std::size_t>(fleet::OutcomeKind::cancelled)] == 1);
    CHECK(after.outcomes[static_cast<std::size_t>(fleet::OutcomeKind::out_of_scope)] == 1);
}

TEST_CASE("what was not sent or is still pending counts nothing") {
    Fixture f(1);
    f.record(test::paused());
    f.record(test::pending());
    f.record(test::left_out_by_rule(413));
    const auto after = f.snapshot();
    CHECK(after.healthy);
    CHECK(after.last_failure == 0);
    CHECK(after.last_success == 0);
    CHECK(after.tallies[0].success + after.tallies[0].failure == 0);
    const auto pending = static_cast<std::size_t>(fleet::OutcomeKind::pending);
    for (std::size_t kind = 0; kind < after.outcomes.size(); ++kind)
        CHECK(after.outcomes[kind] == (kind == pending ? 1 : 0));
}

TEST_CASE("giving up does not make an ill upstream well") {
    Fixture f(1);
    f.record(test::timeout());
    f.record(test::cancelled());
    f.record(test::out_of_scope());
    CHECK_FALSE(f.fleet.healthy(1));
    CHECK(f.fleet.suspect(1));
}

TEST_CASE("a change of health is told once, and back") {
    Fixture f(2);
    auto fault = test::fault(500);
    fault.reason = "disk full";
    f.record(fault, 6);
    CHECK(f.changes() == std::vector<std::string>{"up1.example down: disk full"});
    f.record(test::ok(), 3);
    CHECK(f.changes().size() == 2);
    CHECK(f.changes().back().starts_with("up1.example up: "));
}

TEST_CASE("of many threads that see an upstream fail, one tells") {
    Fixture f(50);
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) threads.emplace_back([&] { f.record(test::timeout(), 100); });
    }
    CHECK(f.changes().size() == 1);
    CHECK(f.failures() == 400);
}

TEST_CASE("a 429 pauses the upstream for as long as it asked") {
    Fixture f;
    f.record(test::throttle(10));
    CHECK(f.fleet.paused(1));
    CHECK(f.fleet.healthy(1));
    CHECK_FALSE(f.fleet.paused(0));
    f.clock.advance(base::Milliseconds{9'999});
    CHECK(f.fleet.paused(1));
    f.clock.advance(base::Milliseconds{1});
    CHECK_FALSE(f.fleet.paused(1));
}

TEST_CASE("a 429 without a Retry-After pauses for a second, and success does not end a pause") {
    Fixture f;
    f.record(test::throttle());
    f.record(test::ok());
    CHECK(f.fleet.paused(1));
    f.clock.advance(base::Seconds{1});
    CHECK_FALSE(f.fleet.paused(1));
}

TEST_CASE("a 503 with Retry-After is a fault and no pause") {
    Fixture f;
    auto busy = test::fault(503);
    busy.retry_after = base::Seconds{60};
    f.record(busy);
    CHECK_FALSE(f.fleet.paused(1));
    CHECK(f.failures() == 1);
}

TEST_CASE("tallies are kept per operation and kind of outcome") {
    Fixture f;
    f.record(test::ok(), 3, Op::upload);
    f.record(test::client(413), 2, Op::upload);
    f.record(test::ok(200), 1, Op::remove);
    f.record(test::timeout(), 1, Op::mirror);
    const auto after = f.snapshot();
    const auto tally = [&](Op op) { return after.tallies[static_cast<std::size_t>(op)]; };
    CHECK(tally(Op::upload).success == 3);
    CHECK(tally(Op::upload).failure == 2);
    CHECK(tally(Op::remove).success == 1);
    CHECK(tally(Op::mirror).failure == 1);
    CHECK(after.outcomes[static_cast<std::size_t>(OutcomeKind::ok)] == 4);
    CHECK(after.outcomes[static_cast<std::size_t>(OutcomeKind::client_fault)] == 2);
    CHECK(after.outcomes[static_cast<std::size_t>(OutcomeKind::upstream_fault)] == 1);
}

TEST_CASE("the last failure, its reason and the last success are remembered with their times") {
    Fixture f;
    const auto start = f.clock.unix_now();
    auto fault = test::fault(500);
    fault.reason = "no space left";
    f.record(fault);
    f.clock.advance(base::Seconds{5});
    f.record(test::ok());
    const auto after = f.snapshot();
    CHECK(after.last_failure == start);
    CHECK(after.last_success == start + 5);
    CHECK(after.last_error == "no space left");
}

TEST_CASE("a redirect is counted as a download and proves nothing of the upstream") {
    Fixture f(1);
    f.record(test::timeout());
    f.fleet.count_redirect(1);
    const auto after = f.snapshot();
    CHECK(after.tallies[static_cast<std::size_t>(Op::download)].success == 1);
    CHECK_FALSE(after.healthy);
    CHECK(after.suspect);
    CHECK(after.last_success == 0);
}

TEST_CASE("bytes and exchanges under way are counted per upstream") {
    Fixture f;
    f.fleet.count_bytes(1, 10, 200);
    f.fleet.count_bytes(1, 1, 2);
    f.fleet.count_in_flight(1, +1);
    f.fleet.count_in_flight(1, +1);
    f.fleet.count_in_flight(1, -1);
    CHECK(f.snapshot().bytes_up == 11);
    CHECK(f.snapshot().bytes_down == 202);
    CHECK(f.snapshot().in_flight == 1);
    CHECK(f.fleet.snapshot().at(0).bytes_up == 0);
}

TEST_CASE("clients are shown the upstream's own host, never the address we connect to") {
    ManualClock clock;
    auto one = test::upstream(0, "https://blossom.example/base/");
    one.connect_to = "10.0.0.7:9000";
    auto other = test::upstream(1, "http://localhost:3000");
    const Fleet fleet({.upstreams = {one, other}}, clock);
    CHECK(fleet.host(0) == "blossom.example");
    CHECK(fleet.host(1) == "localhost:3000");
    CHECK(fleet.link_base(0) == "https://blossom.example/base/");
    CHECK(fleet.link_base(1) == "http://localhost:3000/");
    for (const auto& shown : fleet.snapshot())
        CHECK(shown.url.find("10.0.0.7") == std::string::npos);
}

TEST_CASE("how an upstream says that it lacks a blob is remembered") {
    Fixture f;
    CHECK(f.fleet.miss_status(1) == 0);
    f.fleet.learn_miss_status(1, 500);
    CHECK(f.fleet.miss_status(1) == 500);
    CHECK(f.fleet.miss_status(0) == 0);
}

TEST_CASE("lookups and probes are timed as long as the server answers, uploads when they succeed") {
    Fixture f;
    CHECK_FALSE(f.fleet.lookup_p50(1));
    const auto took = [](Outcome outcome, int ms) {
        outcome.elapsed = base::Milliseconds{ms};
        return outcome;
    };
    f.record(took(test::refused(), 1), 10, Op::lookup);
    f.record(took(test::client(413), 1), 10, Op::upload);
    CHECK_FALSE(f.fleet.lookup_p95(1));
    f.record(took(test::client(404), 2), 18, Op::lookup);
    f.record(took(test::ok(200), 3), 2, Op::probe);
    f.record(took(test::ok(), 3000), 1, Op::upload);
    f.record(took(test::ok(), 9), 1, Op::list);
    CHECK(f.fleet.lookup_p50(1) == base::Milliseconds{2});
    CHECK(f.fleet.lookup_p95(1) == base::Milliseconds{3});
    CHECK_FALSE(f.fleet.lookup_p95(0));
    const auto recent = f.snapshot().recent;
    CHECK(recent.lookups.count == 20);
    CHECK(recent.uploads.count == 1);
}

TEST_CASE("what went well lately is the upstream's merit, whatever clients did wrong") {
    Fixture f;
    f.record(test::client(401), 3);
    f.record(test::timeout(), 1);
    CHECK(f.snapshot().recent.last_5_minutes.ratio() == 0.75);
    f.clock.advance(base::Seconds{360});
    CHECK_FALSE(f.snapshot().recent.last_5_minutes.ratio());
    CHECK(f.snapshot().recent.last_hour.ratio() == 0.75);
}

TEST_CASE("the last probe's age is known once there was one, a failed one too") {
    Fixture f;
    f.record(test::ok(), 1, Op::lookup);
    CHECK_FALSE(f.snapshot().probe_age);
    f.record(test::timeout(), 1, Op::probe);
    f.clock.advance(base::Seconds{12});
    CHECK(f.snapshot().probe_age == 12);
}

TEST_CASE(
    "413 and 415 teach what an upstream does not take, other outcomes and would-be ones do not") {
    Fixture f;
    const auto learn = [&](Outcome outcome) {
        outcome.upstream = 1;
        f.fleet.learn_what_it_takes(outcome, 100, "image/png");
    };
    const auto refusal = [&](std::uint64_t bytes, std::string_view type) {
        const auto out = f.fleet.known_refusal(1, bytes, type);
        return out ? out->status : 0;
    };
    for (const auto& other : {test::client(403), test::fault(500), test::timeout(), test::pay(),
                              test::left_out_by_rule(413), test::left_out_by_rule(415)})
        learn(other);
    CHECK(refusal(100, "image/png") == 0);
    learn(test::client(413));
    CHECK(refusal(100, "video/mp4") == 413);
    CHECK(refusal(99, "image/png") == 0);
    CHECK_FALSE(f.fleet.known_refusal(1, std::nullopt, "image/png"));
    CHECK_FALSE(f.fleet.known_refusal(0, 100, "image/png"));
    learn(test::client(415));
    CHECK(refusal(1, "image/png") == 415);
    const auto out = f.fleet.known_refusal(1, 1, "image/png");
    CHECK(out->kind == OutcomeKind::client_fault);
    CHECK_FALSE(out->sent);
    CHECK(f.snapshot().refuses.bytes_from == 100);
    f.clock.advance(base::Seconds{3600});
    CHECK(refusal(100, "image/png") == 0);
}

TEST_CASE("with refusal_ttl 0 refusals teach nothing") {
    ManualClock clock;
    Fleet fleet({.upstreams = test::upstreams(1), .refusal_ttl = {}}, clock);
    fleet.learn_what_it_takes(test::client(413), 100, "image/png");
    CHECK_FALSE(fleet.known_refusal(0, 100, "image/png"));
}

TEST_CASE("what the operator states of an endpoint is known from the start, the rest is learnt") {
    ManualClock clock;
    auto all = test::upstreams(1);
    all[0].upload_head = fleet::Capability::no;
    Fleet fleet({.upstreams = all}, clock);
    const auto stated = fleet.offering(0, fleet::Endpoint::upload_head);
    CHECK(stated.offered == fleet::Capability::no);
    CHECK(stated.configured);
    CHECK(fleet.offering(0, fleet::Endpoint::mirror).offered == fleet::Capability::unknown);
    fleet.learn_offering(0, fleet::Endpoint::mirror,
                         {.offered = fleet::Capability::yes, .needs_token = true});
    const auto learnt = fleet.snapshot()[0].offers[1];
    CHECK(learnt.offered == fleet::Capability::yes);
    CHECK(learnt.needs_token);
    CHECK_FALSE(learnt.configured);
    CHECK(learnt.probed_at == clock.unix_now());
}

TEST_CASE("rank() gets the priority and the health of the moment") {
    ManualClock clock;
    auto all = test::upstreams(2);
    all[1].priority = 7;
    Fleet fleet({.upstreams = all, .max_failures = 2}, clock);
    auto fault = test::timeout();
    fault.upstream = 1;
    fleet.record(Op::lookup, fault);
    auto seen = fleet.candidate(1);
    CHECK(seen.priority == 7);
    CHECK(seen.failures == 1);
    CHECK(seen.healthy);
    CHECK(seen.suspect);
    fleet.record(Op::lookup, fault);
    CHECK_FALSE(fleet.candidate(1).healthy);
}

TEST_CASE("a set of upstreams holds up to 64 of them") {
    fleet::UpstreamSet set;
    CHECK(set.empty());
    set.add(0);
    set.add(63);
    CHECK(set.has(63));
    CHECK(set.size() == 2);
    set.remove(0);
    CHECK_FALSE(set.has(0));
    CHECK(set.bits() == 1ULL << 63U);
}

TEST_CASE("upstreams that share a host are told apart by their URLs") {
    const test::ManualClock clock;
    const fleet::Fleet fleet({.upstreams = {test::upstream(0, "https://one.example/a"),
                                            test::upstream(1, "https://one.example/b"),
                                            test::upstream(2, "https://two.example")}},
                             clock);
    CHECK(fleet.host(0) == "https://one.example/a");
    CHECK(fleet.host(1) == "https://one.example/b");
    CHECK(fleet.host(2) == "two.example");
    CHECK(fleet.snapshot()[1].host == "https://one.example/b");
}

TEST_CASE("upstreams that are replaced keep their ids and what they did; new ones get new ids") {
    Fixture f;
    f.record(test::fault(500), 3);
    const auto& before = f.fleet.upstreams();
    const auto& second = f.fleet.at(1);
    auto changed = test::upstream(0, "https://up1.example");
    changed.mode = fleet::Mode::drain;
    CHECK(f.fleet.replace({test::upstream(7, "https://new.example"), changed}));
    REQUIRE(f.fleet.size() == 2);
    CHECK(f.fleet.upstreams()[0].id == 3);
    CHECK(f.fleet.upstreams()[1].id == 1);
    CHECK(f.fleet.in_use().bits() == 0b1010);
    CHECK(f.fleet.at(1).mode == fleet::Mode::drain);
    CHECK_FALSE(f.fleet.healthy(1));
    CHECK(f.fleet.healthy_count() == 1);
    CHECK(f.fleet.snapshot().size() == 2);
    CHECK(f.fleet.host(3) == "new.example");
    // What was given before is still there to read.
    CHECK(before.size() == 3);
    CHECK(second.mode == fleet::Mode::rw);
    CHECK(f.fleet.host(2) == "up2.example");
    CHECK(f.fleet.replace(test::upstreams(3)));
    CHECK(f.fleet.in_use().bits() == 0b111);
}

TEST_CASE("beyond 64 different upstreams in all a restart is needed, and nothing changes") {
    Fixture f;
    std::vector<fleet::Upstream> many;
    for (int i = 0; i < 61; ++i)
        many.push_back(test::upstream(0, base::text("https://more", i, ".example")));
    CHECK(f.fleet.replace(many));
    CHECK(f.fleet.size() == 61);
    CHECK(f.fleet.replace({test::upstream(0, "https://up2.example")}));
    const auto refused = f.fleet.replace({test::upstream(0, "https://last.example")});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason.find("restart") != std::string::npos);
    CHECK(f.fleet.size() == 1);
    CHECK(f.fleet.host(2) == "up2.example");
}

TEST_CASE("replacing upstreams disturbs nobody who reads them") {
    Fixture f;
    std::jthread reader([&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            for (const auto& upstream : f.fleet.upstreams()) {
                CHECK(f.fleet.at(upstream.id).url.host().ends_with(".example"));
                CHECK(f.fleet.candidate(upstream.id).id == upstream.id);
            }
    });
    for (int i = 0; i < 200; ++i) CHECK(f.fleet.replace(test::upstreams(1 + i % 3)));
}
