#include <algorithm>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

std::string report(TokenSpec spec) {
    spec.more_tags.push_back({"p", test_pubkey(2)});
    return token_json(test_key(), spec);
}

}  // namespace

TEST_CASE("a signed report reaches every server, and one that takes it is enough") {
    World world;
    world.two.edit([](Script& script) { script.on(Op::report).status = 404; });
    world.three.edit([](Script& script) { script.on(Op::report).status = 500; });
    const auto body = report({.xs = {sha256_hex("bad")}, .kind = 1984});
    const auto response = world.gateway.request("PUT", "/report", {}, body);
    CHECK(response.status == 200);
    CHECK(world.requests("PUT", "/report") == 3);
    // Probes come and go besides.
    CHECK(std::ranges::count(world.one.seen(), body, &Seen::body) == 1);
    CHECK(response.header("X-Upstream-Results").find("=200") != std::string::npos);
}

TEST_CASE("a report that no server takes is not said to be taken") {
    World world;
    for (auto* server : world.servers())
        server->edit([](Script& script) { script.on(Op::report).status = 404; });
    const auto body = report({.xs = {sha256_hex("bad")}, .kind = 1984});
    CHECK(world.gateway.request("PUT", "/report", {}, body).status == 501);
    for (auto* server : world.servers())
        server->edit([](Script& script) { script.on(Op::report).status = 500; });
    CHECK(world.gateway.request("PUT", "/report", {}, body).status == 503);
}

TEST_CASE("what is no report of blobs is a 400 that says why, and nobody is asked") {
    World world;
    const std::vector<std::string> xs{sha256_hex("bad")};
    const std::vector<std::pair<std::string, const char*>> bad{
        {"{}", ""},
        {"report", ""},
        {report({.xs = xs, .kind = 1}), "1984"},
        {report({.xs = {}, .kind = 1984}), "names blobs"},
        {report({.xs = {"abc"}, .kind = 1984}), "names blobs"},
        {report({.xs = xs, .kind = 1984, .fault = Fault::id}), "id"},
        {report({.xs = xs, .kind = 1984, .fault = Fault::signature}), "signature"}};
    for (const auto& [body, why] : bad) {
        const auto response = world.gateway.request("PUT", "/report", {}, body);
        CHECK(response.status == 400);
        CHECK(response.header("X-Reason").find(why) != std::string::npos);
    }
    CHECK(world.gateway.request("GET", "/report").status == 405);
    CHECK(world.requests("PUT", "/report") == 0);
}

}  // namespace espalier::test
