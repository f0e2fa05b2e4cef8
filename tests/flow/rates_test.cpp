#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {

TEST_CASE("an address that asks too often is told when to come again, and nobody is asked") {
    World world({.server_keys = "  rates: {ip_requests: 3}\n"});
    const auto hash = world.one.put_blob("a picture");
    for (int i = 0; i < 3; ++i) CHECK(world.gateway.get(hash).status == 307);
    const auto asked = world.requests("");
    for (const auto* const method : {"GET", "HEAD"}) {
        const auto response = world.gateway.request(method, "/" + hash);
        CHECK(response.status == 429);
        CHECK(base::parse_number(response.header("Retry-After")).value_or(0) > 0);
        CHECK(response.header("X-Reason").find("address") != std::string::npos);
        CHECK(response.header("Access-Control-Allow-Origin") == "*");
    }
    CHECK(world.gateway.put("body").status == 429);
    CHECK(world.requests("PUT") == 0);
    CHECK(world.requests("GET") == 0);
    // What watches over us, and what browsers ask before they ask, is never refused.
    CHECK(world.gateway.request("GET", "/health").status == 200);
    CHECK(world.gateway.request("GET", "/metrics").status == 200);
    CHECK(world.gateway.request("OPTIONS", "/upload").status == 204);
    CHECK(asked >= 3);
    CHECK(world.gateway.metric("blossom_gw_rate_limited_total") == 3);
}

TEST_CASE("a key that sends too many bytes is told when to come again; others go on") {
    World world({.server_keys = "  rates: {pubkey_bytes: 10000}\n"});
    CHECK(world.gateway.put(some_bytes(9000)).status == 201);
    const auto body = some_bytes(2000, 2);
    const auto refused = world.gateway.put(body);
    CHECK(refused.status == 429);
    CHECK(refused.header("X-Reason").find("key") != std::string::npos);
    CHECK(world.requests("PUT") == 3);
    const auto other = token(test_key(2), {.xs = {sha256_hex(body)}});
    CHECK(world.gateway.put(body, {{"Authorization", other}}).status == 201);
}

TEST_CASE("bytes of an upload without a length count as well") {
    World world({.server_keys = "  rates: {ip_bytes: 10000}\n"});
    const auto body = some_bytes(9000);
    const auto chunked = streaming_put(
        world.gateway.port(), body,
        {.headers = {{"Authorization", token({.xs = {sha256_hex(body)}})}}, .chunked = true});
    CHECK(chunked.status == 201);
    CHECK(world.gateway.put(some_bytes(2000, 2)).status == 429);
    CHECK(world.gateway.put(some_bytes(500, 3)).status == 201);
}

}  // namespace espalier::test
