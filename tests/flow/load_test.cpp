#include <doctest/doctest.h>

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

}  // namespace espalier::test
