// What an upstream offers is found out by a few polite questions.
#include "fanout/capability_probe.h"

#include <doctest/doctest.h>

#include "world.h"

using namespace espalier;
using namespace espalier::test;
using base::Milliseconds;
using fanout::read_capability;
using fleet::Capability;
using fleet::Endpoint;
using fleet::Finding;

namespace {

constexpr Milliseconds kNever = std::chrono::hours{100};

struct Fixture {
    ~Fixture() { world.mover.stop(base::Deadline::after(Milliseconds{0})); }

    void start(Milliseconds interval = kNever, Milliseconds after_silence = kNever) {
        fanout::CapabilityProber(
            {.interval = interval, .interval_after_silence = after_silence, .timeout = kPatience},
            world.network(), world.mover)
            .cover();
    }
    Capability offered(Endpoint endpoint, fleet::UpstreamId id = 0) const {
        return world.fleet->offering(id, endpoint).offered;
    }
    // Waits until it is known whether there is `endpoint`, the last one to be asked for.
    bool is_known(Endpoint endpoint = Endpoint::list, fleet::UpstreamId id = 0) {
        return world.wait_for([&] { return offered(endpoint, id) != Capability::unknown; });
    }
    FakeServer& one() { return world.server(0); }

    World world;
};

engine::TransferState answer(int status, std::string body = {}) {
    engine::TransferState state;
    state.head_received = state.response_complete = state.over = true;
    state.response.status = status;
    state.response.body = std::move(body);
    return state;
}

constexpr Finding kYes{.offered = Capability::yes};
constexpr Finding kWithToken{.offered = Capability::yes, .needs_token = true};
constexpr Finding kNo{.offered = Capability::no};

}  // namespace

TEST_CASE("an endpoint that complains is there, one that is not found is not") {
    for (const auto endpoint : {Endpoint::upload_head, Endpoint::mirror, Endpoint::media}) {
        for (const int status : {404, 405, 501})
            CHECK(read_capability(endpoint, answer(status)) == kNo);
        for (const int status : {400, 402, 403, 411, 413, 415})
            CHECK(read_capability(endpoint, answer(status)) == kYes);
        CHECK(read_capability(endpoint, answer(401)) == kWithToken);
        for (const int status : {307, 429, 500, 502, 503})
            CHECK_FALSE(read_capability(endpoint, answer(status)));
        CHECK_FALSE(read_capability(endpoint, {}));
    }
}

TEST_CASE("a question may be granted, a write without a body may not") {
    CHECK(read_capability(Endpoint::upload_head, answer(204)) == kYes);
    CHECK_FALSE(read_capability(Endpoint::mirror, answer(200)));
}

TEST_CASE("a list is there when it is a list, or when it wants a token") {
    CHECK(read_capability(Endpoint::list, answer(200, "\n[]")) == kYes);
    CHECK(read_capability(Endpoint::list, answer(401)) == kWithToken);
    CHECK(read_capability(Endpoint::list, answer(404)) == kNo);
    CHECK_FALSE(read_capability(Endpoint::list, answer(200, "<html>")));
    CHECK_FALSE(read_capability(Endpoint::list, answer(400)));
}

TEST_CASE("every server is asked each question once, without a token and without a body") {
    Fixture f;
    f.start();
    for (fleet::UpstreamId id = 0; id < 3; ++id) CHECK(f.is_known(Endpoint::list, id));
    CHECK(f.offered(Endpoint::upload_head) == Capability::yes);
    CHECK(f.offered(Endpoint::mirror) == Capability::yes);
    CHECK(f.offered(Endpoint::media) == Capability::no);
    CHECK(f.offered(Endpoint::list) == Capability::yes);
    f.world.flush_mover();
    const auto seen = f.one().seen();
    CHECK(seen.size() == 4);
    for (const auto& one : seen) {
        CHECK_FALSE(one.headers.has("Authorization"));
        CHECK(one.body.empty());
    }
    CHECK(f.one().count("GET", "/list/") == 1);
}

TEST_CASE("what the operator states is obeyed and not asked") {
    Fixture f;
    auto upstreams = upstreams_of(f.world.servers);
    for (auto& upstream : upstreams) {
        upstream.upload_head = Capability::no;
        upstream.mirror = Capability::yes;
    }
    f.world.fleet =
        std::make_unique<fleet::Fleet>(fleet::Fleet::Options{std::move(upstreams)}, f.world.clock);
    f.start();
    CHECK(f.is_known());
    CHECK(f.offered(Endpoint::upload_head) == Capability::no);
    CHECK(f.one().count("HEAD", "/upload") == 0);
    CHECK(f.one().count("PUT", "/mirror") == 0);
}

TEST_CASE("a server that is down is asked again soon, and none of it counts against it") {
    Fixture f;
    f.one().stop();
    f.start(kNever, Milliseconds{2});
    CHECK(f.world.wait_for([&] { return f.world.snapshot(0).outcomes[8] >= 2; }));  // cancelled
    CHECK(f.world.snapshot(0).consecutive_failures == 0);
    CHECK_FALSE(f.world.snapshot(0).suspect);
    f.one().restart();
    CHECK(f.is_known());
}

TEST_CASE("an answer that tells nothing is no fault, and not asked for again before long") {
    Fixture f;
    f.one().edit([](Script& script) { script.on(Op::mirror).status = 500; });
    f.start(kNever, Milliseconds{1});
    CHECK(f.is_known());
    f.world.flush_mover();
    CHECK(f.offered(Endpoint::mirror) == Capability::unknown);
    CHECK(f.one().count("PUT", "/mirror") == 1);
    CHECK(f.world.snapshot(0).consecutive_failures == 0);
}

TEST_CASE("what changes is noticed at the next round") {
    Fixture f;
    f.start(Milliseconds{5});
    CHECK(f.is_known());
    CHECK(f.offered(Endpoint::mirror) == Capability::yes);
    f.one().edit([](Script& script) { script.on(Op::mirror).status = 405; });
    CHECK(f.world.wait_for([&] { return f.offered(Endpoint::mirror) == Capability::no; }));
}
