// A changed configuration put in force while the gateway runs.
#include <algorithm>
#include <csignal>
#include <set>
#include <thread>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

struct Said {
    int status = -1;
    std::string output;
};

Said run(const std::vector<std::string>& words) {
    std::vector<std::string> argv{ESPALIER_BINARY};
    argv.insert(argv.end(), words.begin(), words.end());
    Process process({.argv = argv, .env = {}, .cwd = {}});
    const auto status = process.wait_exit();
    return {.status = status.value_or(-1), .output = process.output()};
}

Said reload(const Gateway& gateway) {
    return run({"reload", "--config", gateway.config()});
}

}  // namespace

TEST_CASE("upstreams come and go without a restart; the others keep what they did") {
    World world;
    FakeServer four;
    CHECK(world.gateway.put("first").status == 201);
    world.gateway.configure({world.three.url(), four.url()}, {});
    const auto said = reload(world.gateway);
    CHECK(said.status == 0);
    const auto hash = sha256_hex("second");
    CHECK(world.gateway.put("second").status == 201);
    CHECK(world.wait_for([&] { return world.three.has_blob(hash) && four.has_blob(hash); }));
    CHECK_FALSE(world.one.has_blob(hash));
    CHECK_FALSE(world.two.has_blob(hash));
    const auto stats = world.gateway.request("GET", "/stats").body;
    CHECK(stats.find(four.url()) != std::string::npos);
    CHECK(stats.find(world.one.url()) == std::string::npos);
    CHECK(world.gateway.metric(base::text("blossom_gw_upstream_requests_total{upstream=\"",
                                          world.three.host(),
                                          "\",op=\"upload\",outcome=\"ok\"}")) <= 2);
}

TEST_CASE("nobody is sent to an upstream that has gone, or is a mere source now") {
    World world;
    const auto hash = sha256_hex("a picture");
    CHECK(world.gateway.put("a picture").status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.wait_for([&] { return world.gateway.get(hash).status == 307; }));
    world.gateway.configure({world.one.url(), world.two.url(), world.three.url()},
                            {.quorum = 1, .upstream_keys = {"", "    mode: source\n"}});
    CHECK(reload(world.gateway).status == 0);
    const auto sent_to = [&] {
        std::set<std::string> places;
        for (int i = 0; i < 6; ++i) places.emplace(world.gateway.get(hash).header("X-Upstream"));
        return places;
    };
    CHECK(sent_to() == std::set{world.one.host(), world.three.host()});
    world.gateway.configure({world.one.url()}, {.quorum = 1});
    CHECK(reload(world.gateway).status == 0);
    CHECK(sent_to() == std::set{world.one.host()});
    // And back: what was known of it is of use again.
    world.gateway.configure({world.two.url()}, {.quorum = 1});
    CHECK(reload(world.gateway).status == 0);
    CHECK(sent_to() == std::set{world.two.host()});
    CHECK(world.requests("HEAD", "/" + hash) <= 6);
}

TEST_CASE("an upload that is under way ends as it began") {
    World world;
    const auto body = some_bytes(4'000'000);
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.stall_upload_at = 1'000'000; });
    Response answer;
    std::jthread client([&] { answer = world.gateway.put(body); });
    CHECK(world.wait_for([&] {
        const auto seen = world.one.seen();
        return std::ranges::any_of(seen, [](const Seen& one) {
            return one.op == Op::upload && one.body_bytes_received >= 1'000'000;
        });
    }));
    world.gateway.configure(
        {world.one.url()},
        {.quorum = 1, .server_keys = "  max_upload_size: 10\n  verify_first_max: 10\n"});
    CHECK(reload(world.gateway).status == 0);
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.stall_upload_at.reset(); });
    client.join();
    CHECK(answer.status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex(body)); }));
    CHECK(world.gateway.put("more than ten bytes").status == 413);
}

TEST_CASE("SIGHUP does the same: an allowlist takes effect at once") {
    World world;
    CHECK(world.gateway.put("first").status == 201);
    world.gateway.configure(
        {world.one.url(), world.two.url(), world.three.url()},
        {.server_keys = base::text("  allowed_pubkeys: [\"", test_pubkey(2), "\"]\n")});
    world.gateway.process().signal(SIGHUP);
    CHECK(world.gateway.process().wait_for_line("read again"));
    CHECK(world.gateway.put("second").status == 403);
    const auto allowed = token(test_key(2), {.xs = {sha256_hex("third")}});
    CHECK(world.gateway.put("third", {{"Authorization", allowed}}).status == 201);
}

TEST_CASE("what needs a restart is refused by name, and nothing of the file is in force") {
    World world;
    world.gateway.configure(
        {world.one.url(), world.two.url()},
        {.server_keys =
             "  cache_ttl: 7s\n  max_failures: 9\n  max_upload_size: 2\n  verify_first_max: 2\n"});
    const auto said = reload(world.gateway);
    CHECK(said.status == 1);
    CHECK(said.output.find("need a restart") != std::string::npos);
    CHECK(said.output.find("cache_ttl, max_failures") != std::string::npos);
    CHECK(said.output.find("max_upload_size") == std::string::npos);
    CHECK(world.gateway.put("more than two bytes").status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex("more than two bytes")); }));
}

TEST_CASE("a bad file is refused with its line, and the old one stays in force") {
    World world;
    world.gateway.configure({world.one.url()}, {.quorum = 2});
    const auto said = reload(world.gateway);
    CHECK(said.status == 1);
    CHECK(said.output.find("min_upload_servers") != std::string::npos);
    world.gateway.process().signal(SIGHUP);
    CHECK(world.gateway.process().wait_for_line("stays as it was"));
    CHECK(world.gateway.put("body").status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex("body")); }));
}

TEST_CASE("a second gateway on the same ledger is refused, and reload without one says so") {
    World world;
    const auto second = run({"serve", "--config", world.gateway.config()});
    CHECK(second.status == 1);
    CHECK(second.output.find("another gateway") != std::string::npos);
    world.gateway.process().signal(SIGTERM);
    CHECK(world.gateway.process().wait_exit() == 0);
    const auto said = reload(world.gateway);
    CHECK(said.status == 1);
    CHECK(said.output.find("no gateway runs") != std::string::npos);
}

}  // namespace espalier::test
