// Through servers as people run them, quirks included.
#include "support/profiles.h"

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

void check_round_trip(World& world, std::size_t size) {
    CAPTURE(size);
    const auto body = some_bytes(size);
    const auto hash = sha256_hex(body);
    const auto put = world.gateway.put(body, {{"X-SHA-256", hash}, {"Content-Type", "image/png"}});
    CHECK((put.status == 201 || put.status == 200));
    CHECK(world.gateway.get(hash).status == 307);
    const auto head = world.gateway.request("HEAD", "/" + hash);
    CHECK(head.status == 200);
    CHECK(head.header("Content-Length") == base::text(size));
    // Another token: some servers take each only once.
    const auto fresh = token({.xs = {hash}, .content = "once more"});
    const auto again = world.gateway.put(body, {{"X-SHA-256", hash}, {"Authorization", fresh}});
    CHECK((again.status == 201 || again.status == 200));
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.gateway.get(hash).status == 404);
}

}  // namespace

TEST_CASE("an upload, a read and a delete work through every kind of server") {
    for (const auto name : profile_names()) {
        World world;
        CAPTURE(name);
        for (FakeServer* server : world.servers())
            server->set_script(*profile(name, server->url()));
        check_round_trip(world, 10);
        check_round_trip(world, 400'000);
    }
}

TEST_CASE("an upload, a read and a delete work through a mix of servers") {
    World world;
    world.one.set_script(reference6(world.one.url()));
    world.two.set_script(khatru(world.two.url()));
    world.three.set_script(nostrcheck(world.three.url()));
    check_round_trip(world, 1000);
    check_round_trip(world, 3'000'000);
}

}  // namespace espalier::test
