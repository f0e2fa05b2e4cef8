// No upstream sees a blob's last byte before everything promised agrees: whenever a client
// leaves, and whatever it lied about.
#include <algorithm>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

constexpr auto kAborted = "blossom_gw_uploads_quorum_total{result=\"aborted\"}";

std::vector<std::uint64_t> points(std::uint64_t size) {
    std::vector<std::uint64_t> at{0, 1, size / 2, size - 1};
    std::ranges::sort(at);
    const auto repeated = std::ranges::unique(at);
    at.erase(repeated.begin(), repeated.end());
    std::erase_if(at, [&](std::uint64_t point) { return point >= size; });
    return at;
}

struct Leaving {
    World world;
    std::uint64_t aborted = 0;

    void leave(const std::string& body, const PutPlan& plan) {
        CAPTURE(body.size());
        CAPTURE(plan.abort_at.value_or(0));
        CAPTURE(plan.chunked);
        CHECK(streaming_put(world.gateway.port(), body, plan).status == 0);
        ++aborted;
        CHECK(world.wait_for([&] { return world.gateway.metric(kAborted) == aborted; }));
        CHECK(world.wait_for([&] { return world.all_quiet(); }));
        CHECK_FALSE(world.anything_stored());
        CHECK(world.gateway.spool_files() == 0);
    }
};

}  // namespace

TEST_CASE("a client that leaves before its body's end leaves nothing behind anywhere") {
    Leaving leaving;
    for (const std::size_t size : {1UL, 2UL, 64UL << 10U, 16UL << 20U}) {
        const auto body = some_bytes(size);
        // Without an x tag a part would be as good as the whole.
        const base::Headers headers{{"Authorization", token({})}};
        for (const auto point : points(size))
            for (const bool chunked : {false, true})
                for (const auto how : {PutPlan::Abort::reset, PutPlan::Abort::close})
                    leaving.leave(
                        body,
                        {.headers = headers, .chunked = chunked, .abort_at = point, .abort = how});
    }
    CHECK(leaving.world.requests("PUT") > 0);
}

TEST_CASE("a body that is not what X-SHA-256 says is refused and stored nowhere") {
    World world;
    for (const std::size_t size : {0UL, 1UL, 1000UL, 600'000UL}) {
        CAPTURE(size);
        const auto wrong = sha256_hex("something else");
        const auto response = world.gateway.put(
            some_bytes(size), {{"Authorization", token({.xs = {wrong}})}, {"X-SHA-256", wrong}});
        CHECK(response.status == 409);
        CHECK_FALSE(response.header("X-Reason").empty());
        CHECK(world.wait_for([&] { return world.all_quiet(); }));
        CHECK_FALSE(world.anything_stored());
    }
}

TEST_CASE("before the last byte has come, no server has the one before it") {
    World world;
    const auto body = some_bytes(600'000);
    const auto wrong = sha256_hex("something else");
    const auto received = [](FakeServer& server) {
        const auto seen = server.seen();
        const auto put = std::ranges::find(seen, "PUT", &Seen::method);
        return put == seen.end() ? 0 : put->body_bytes_received;
    };
    RawClient client(world.gateway.port());
    client.send_head("PUT", "/upload",
                     {{"Authorization", token({.xs = {wrong}})},
                      {"X-SHA-256", wrong},
                      {"Content-Length", base::text(body.size())}});
    client.send(std::string_view(body).substr(0, body.size() - 1));
    for (FakeServer* server : world.servers()) {
        CHECK(world.wait_for([&] { return received(*server) >= body.size() - 2; }));
        CHECK(received(*server) == body.size() - 2);
    }
    client.send(std::string_view(body).substr(body.size() - 1));
    CHECK(client.read_response().status == 409);
    CHECK(world.wait_for([&] { return world.all_quiet(); }));
    CHECK_FALSE(world.anything_stored());
}

TEST_CASE("a body that the token does not name is refused and stored nowhere") {
    World world;
    for (const std::size_t size : {1UL, 1000UL, 600'000UL}) {
        CAPTURE(size);
        const auto response = world.gateway.put(
            some_bytes(size), {{"Authorization", token({.xs = {sha256_hex("something else")}})}});
        CHECK(response.status == 403);
        CHECK(world.wait_for([&] { return world.all_quiet(); }));
        CHECK_FALSE(world.anything_stored());
    }
}

TEST_CASE("a half-close after the whole body is answered") {
    World world;
    const auto body = some_bytes(100'000);
    RawClient client(world.gateway.port());
    client.send_head("PUT", "/upload",
                     {{"Authorization", token({.xs = {sha256_hex(body)}})},
                      {"Content-Length", base::text(body.size())}});
    client.send(body);
    client.half_close();
    CHECK(client.read_response().status == 201);
}

}  // namespace espalier::test
