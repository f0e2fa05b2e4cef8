// Servers that a client names with its request.
#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

std::string allow(const std::string& hosts) {
    return base::text("  hints: allowlist\n  hint_hosts: [", hosts, "]\n");
}

std::string named(const FakeServer& server) {
    return base::text('"', server.host(), '"');
}

}  // namespace

TEST_CASE("hints are not heeded unless the operator says so") {
    FakeServer server;
    const auto hash = server.put_blob("a picture", "image/png");
    World world;
    CHECK(world.gateway.request("GET", base::text('/', hash, "?xs=", server.url())).status == 404);
    CHECK(server.seen().empty());
}

TEST_CASE("a client is sent to a server that it names and the operator admits") {
    FakeServer server;
    const auto hash = server.put_blob("a picture", "image/png");
    World world({.server_keys = "  lookup_timeout: 1s\n" + allow(named(server))});
    for (const auto& query :
         {"xs=" + server.url(), "xs=" + server.host(), "origin=" + server.host(),
          "sx=http%3A%2F%2F" + server.host(), "xs=127.0.0.1:1&xs=" + server.host(),
          "xs=" + server.url() + "&sz=9", "servers=127.0.0.1:1," + server.host()}) {
        CAPTURE(query);
        const auto reply = world.gateway.request("GET", base::text('/', hash, '?', query));
        CHECK(reply.status == 307);
        CHECK(reply.header("Location") == base::text(server.url(), '/', hash, ".png"));
        CHECK(reply.header("X-Upstream") == server.host());
        CHECK(reply.header("Cache-Control") == "private, no-store");
    }
    const auto head = world.gateway.request("HEAD", base::text('/', hash, "?xs=", server.url()));
    CHECK(head.status == 200);
    CHECK(head.header("Content-Length") == "9");
    CHECK(head.header("Content-Type") == "image/png");
    // The operator did not name this one.
    CHECK(world.gateway.request("GET", base::text('/', hash, "?xs=", world.one.url())).status ==
          404);
    FakeServer unnamed;
    unnamed.put_blob("a picture", "image/png");
    CHECK(world.gateway.request("GET", base::text('/', hash, "?xs=", unnamed.url())).status == 404);
    CHECK(unnamed.seen().empty());
    // Nothing of it is remembered.
    CHECK(world.gateway.get(hash).status == 404);
}

TEST_CASE("a size that does not agree, no CORS and no blob make no hit") {
    FakeServer server;
    const auto hash = server.put_blob("a picture", "image/png");
    World world({.server_keys = allow(named(server))});
    const auto ask = [&](const std::string& more = "") {
        return world.gateway.request("GET", base::text('/', hash, "?xs=", server.url(), more))
            .status;
    };
    CHECK(ask("&sz=10") == 404);
    CHECK(ask("&sz=9") == 307);
    server.edit([](Script& script) { script.allow_origin = false; });
    CHECK(ask() == 404);
    server.edit([](Script& script) { script.allow_origin = true; });
    server.drop_blob(hash);
    CHECK(ask() == 404);
}

TEST_CASE("nobody waits for a hint when an upstream has the blob, nor for one of two hints") {
    FakeServer origin, other;
    World world({.server_keys = allow(named(origin) + ", " + named(other))});
    const auto hash = other.put_blob("a picture", "image/png");
    const auto both = base::text('/', hash, "?xs=", other.url(), "&origin=", origin.url());
    const auto sent_to = [&] {
        return std::string(world.gateway.request("GET", both).header("X-Upstream"));
    };
    const auto hold = [](FakeServer& server, bool yes) {
        server.edit([yes](Script& script) { script.on(Op::head).before_answer.hold = yes; });
    };
    hold(origin, true);
    CHECK(sent_to() == other.host());
    hold(other, true);
    world.two.put_blob("a picture", "image/png");
    world.gateway.restart();  // it remembers that nobody has it
    CHECK(sent_to() == world.two.host());
    hold(origin, false);
    hold(other, false);
}

TEST_CASE("public hints never lead into the operator's own network, named ones may") {
    FakeServer server;
    const auto hash = server.put_blob("a picture", "image/png");
    World world({.server_keys = "  hints: public\n"});
    for (const auto& host : {server.host(), base::text("localhost:", server.port()),
                             base::text("[::ffff:127.0.0.1]:", server.port())}) {
        CAPTURE(host);
        CHECK(world.gateway.request("GET", base::text('/', hash, "?xs=", host)).status == 404);
    }
    CHECK(server.seen().empty());
    // Nor back to ourselves.
    CHECK(world.gateway.request("GET", base::text('/', hash, "?xs=", world.gateway.url())).status ==
          404);
}

}  // namespace espalier::test
