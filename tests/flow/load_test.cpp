#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {

TEST_CASE("idle, half-asking and trickling clients do not keep others waiting") {
    World world({.server_keys = "  lookup_timeout: 30s\n"});
    const auto hash = world.two.put_blob("a picture");
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 200; ++i)
        clients.push_back(std::make_unique<RawClient>(world.gateway.port()));
    for (int i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<RawClient>(world.gateway.port()));
        clients.back()->send("GET / HTTP/1.1\r\nHo");
    }
    for (int i = 0; i < 300; ++i) {
        clients.push_back(std::make_unique<RawClient>(world.gateway.port()));
        clients.back()->send_head("PUT", "/upload",
                                  {{"Authorization", token({})}, {"Content-Length", "2000000"}});
        clients.back()->send("some bytes");
    }
    CHECK(world.gateway.request("GET", "/health").status == 200);
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.gateway.get(hash).status == 307);
}

TEST_CASE("a crowd that takes every descriptor it can get keeps nobody from being served") {
    World world({.open_files = 400});
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 600; ++i)
        crowd.push_back(std::make_unique<RawClient>(world.gateway.port()));
    // Everybody has been let in or turned away; a few leave.
    CHECK(crowd.back()->read_response().status == 503);
    crowd.resize(90);
    const auto body = some_bytes(400'000);
    CHECK(world.wait_for([&] { return world.gateway.put(body).status == 201; }));
    CHECK(world.gateway.get(sha256_hex("nobody has this")).status == 404);
    CHECK(world.gateway.log().find("max_connections is lowered") != std::string::npos);
    const auto health = world.gateway.request("GET", "/health");
    CHECK(health.status == 200);
    CHECK(nlohmann::json::parse(health.body, nullptr, false)["healthy_count"] == 3);
}

}  // namespace espalier::test
