// What only a gateway meets: servers that differ, and many clients at once (sheet E.5; the other
// cases stand with their endpoints).
#include <doctest/doctest.h>

#include "flow/gateway.h"
#include "flow/store.h"

namespace espalier::test {

TEST_CASE("a hundred clients who ask for one unknown blob make one lookup") {
    World world({.server_keys = "  lookup_timeout: 20s\n"});
    const auto hash = world.two.put_blob("a picture", "image/png");
    const auto hold = [&](bool yes) {
        for (FakeServer* server : world.servers())
            server->edit([yes](Script& script) { script.on(Op::head).before_answer.hold = yes; });
    };
    hold(true);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 100; ++i) {
        auto& client = *clients.emplace_back(std::make_unique<RawClient>(world.gateway.port()));
        client.send(base::text("GET /", hash, " HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_coalesced_total") == 99; }));
    hold(false);
    for (const auto& client : clients) CHECK(client->read_response().status == 307);
    for (FakeServer* server : world.servers()) CHECK(server->count("HEAD", "/" + hash) == 1);
}

TEST_CASE("a server that takes the whole body and says nothing delays nobody, and is at fault") {
    World world({.server_keys = "  stall_timeout: 300ms\n  quorum_linger: 50ms\n"});
    world.three.edit([](Script& script) { script.on(Op::upload).before_answer.hold = true; });
    const auto stored = world.gateway.put(some_bytes(300'000));
    CHECK(stored.status == 201);
    CHECK(stored.header("X-Upstream-Results").find(world.three.host() + "=2") == std::string::npos);
    CHECK(world.wait_for([&] { return world.three.complete_uploads() == 1; }));
    const auto faults = base::text("blossom_gw_upstream_outcomes_total{upstream=\"",
                                   world.three.host(), "\",kind=\"upstream_fault\"}");
    CHECK(world.wait_for([&] { return world.gateway.metric(faults) == 1; }));
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 1);
    world.three.edit([](Script& script) { script.on(Op::upload).before_answer.hold = false; });
}

TEST_CASE("a refusal, a broken TLS and a closed port are told apart, server by server") {
    FakeServer picky, closed;
    Store plain;
    picky.edit([](Script& script) { script.types = {"image/png"}; });
    const auto host = plain.url().substr(std::string_view("http://").size());
    const auto no_tls = base::text("https://", host);
    Gateway gateway({picky.url(), no_tls, closed.url()}, {});
    closed.stop();
    const auto reply = gateway.put("some text", {{"Content-Type", "text/plain"}});
    CHECK(reply.status == 502);
    const auto results = std::string(reply.header("X-Upstream-Results"));
    CAPTURE(results);
    CHECK(results.find(picky.host() + "=415") != std::string::npos);
    CHECK(results.find(host + "=tls") != std::string::npos);
    CHECK(results.find(closed.host() + "=refused") != std::string::npos);
    for (const auto& name : {picky.host(), host, closed.host()})
        CHECK(reply.body.find(name) != std::string::npos);
}

}  // namespace espalier::test
