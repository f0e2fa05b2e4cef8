#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

std::string path(const std::string& query = "") {
    return base::text("/list/", test_pubkey(), query.empty() ? "" : "?", query);
}

Json items(const Response& response) {
    return Json::parse(response.body, nullptr, false);
}

std::vector<std::string> hashes(const Json& list) {
    std::vector<std::string> all;
    for (const auto& item : list) all.push_back(item["sha256"]);
    return all;
}

}  // namespace

TEST_CASE("the lists of all servers are one list, each blob once, newest first") {
    World world;
    const auto first = world.one.put_blob("first", "image/png", test_pubkey(), 1000);
    const auto second = world.two.put_blob("second", "text/plain", test_pubkey(), 3000);
    world.one.put_blob("second", "text/plain", test_pubkey(), 3005);
    const auto third = world.three.put_blob("third", "text/plain", test_pubkey(), 2000);
    world.three.put_blob("another's", "text/plain", test_pubkey(2), 2000);
    const auto response = world.gateway.request("GET", path());
    CHECK(response.status == 200);
    CHECK(response.header("Content-Type") == "application/json");
    CHECK(response.header("Access-Control-Allow-Origin") == "*");
    const auto list = items(response);
    CHECK(hashes(list) == std::vector{second, third, first});
    CHECK(list[0]["uploaded"] == 3000);
    CHECK(list[0]["size"] == 6);
    CHECK(list[0]["nip94"].size() >= 5);
    CHECK(list[2]["url"] == base::text(world.one.url(), "/", first, ".png"));
    CHECK(list[2]["type"] == "image/png");
    CHECK(response.header("X-Upstream-Results").find(world.two.host() + "=200") !=
          std::string::npos);
}

TEST_CASE("pages over three servers with equal times give every blob once, in one order") {
    World world;
    std::set<std::string> all;
    const auto servers = world.servers();
    for (int i = 0; i < 40; ++i) {
        const auto bytes = base::text("blob ", i);
        for (int copy = 0; copy <= i % 3; ++copy)
            all.insert(servers[static_cast<std::size_t>((i + copy) % 3)]->put_blob(
                bytes, "text/plain", test_pubkey(), 1000 + i / 10));
    }
    const auto whole = hashes(items(world.gateway.request("GET", path())));
    CHECK(whole.size() == 40);
    CHECK(std::set(whole.begin(), whole.end()) == all);
    std::vector<std::string> paged;
    std::string query = "limit=7";
    for (int page = 0; page < 10; ++page) {
        const auto part = hashes(items(world.gateway.request("GET", path(query))));
        if (part.empty()) break;
        paged.insert(paged.end(), part.begin(), part.end());
        query = "limit=7&cursor=" + part.back();
    }
    CHECK(paged == whole);
    CHECK(hashes(items(world.gateway.request("GET", path("since=1003&until=1003")))).size() == 10);
}

TEST_CASE("a server that does not answer is told of, and the others' blobs are listed") {
    World world({.server_keys = "  list_timeout: 1s\n"});
    const auto hash = world.one.put_blob("a picture", "image/png", test_pubkey());
    world.two.edit([](Script& script) { script.on(Op::list).before_body.hold = true; });
    world.three.edit([](Script& script) { script.on(Op::list).status = 500; });
    const auto response = world.gateway.request("GET", path());
    CHECK(response.status == 200);
    CHECK(hashes(items(response)) == std::vector{hash});
    const std::string results(response.header("X-Upstream-Results"));
    CHECK(results.find(world.two.host() + "=timeout") != std::string::npos);
    CHECK(results.find(world.three.host() + "=500") != std::string::npos);
}

TEST_CASE("when nobody answers it is 503, never an empty list; when all refuse, their code") {
    World world;
    for (auto* server : world.servers())
        server->edit([](Script& script) { script.on(Op::list).status = 500; });
    const auto failed = world.gateway.request("GET", path());
    CHECK(failed.status == 503);
    CHECK(failed.header("X-Reason").find("a list") != std::string::npos);
    CHECK(items(failed)["upstreams"].size() == 3);
    for (auto* server : world.servers())
        server->edit([](Script& script) { script.on(Op::list).status = 401; });
    CHECK(world.gateway.request("GET", path()).status == 401);
    for (auto* server : world.servers())
        server->edit([](Script& script) { script.on(Op::list).status = 404; });
    CHECK(world.gateway.request("GET", path()).status == 501);
    CHECK(world.gateway.request("GET", "/health").status == 200);
}

TEST_CASE("an unknown user has an empty list") {
    World world;
    const auto response = world.gateway.request("GET", path());
    CHECK(response.status == 200);
    CHECK(response.body == "[]");
}

TEST_CASE("a list that never ends is answered in time, cut at the limit") {
    World world({.server_keys = "  list_timeout: 2s\n  list_upstream_max_bytes: 256KiB\n"});
    const auto hash = world.one.put_blob("a picture", "image/png", test_pubkey(), 5);
    // In small steps for ever: a page follows a page.
    const auto counter = std::make_shared<std::atomic<int>>(0);
    world.two.edit([&](Script& script) {
        script.hook = [counter](const Seen& seen) -> std::optional<Answer> {
            if (seen.op != Op::list) return std::nullopt;
            std::string page = "[";
            for (int i = 0; i < 1000; ++i)
                page += base::text(i == 0 ? "" : ",", R"({"sha256":")",
                                   sha256_hex(std::to_string(counter->fetch_add(1))), "\"}");
            return Answer{.headers = {}, .body = page + "]"};
        };
    });
    const auto response = world.gateway.request("GET", path());
    CHECK(response.status == 200);
    const auto listed = hashes(items(response));
    CHECK(std::ranges::count(listed, hash) == 1);
    CHECK(listed.size() > 2000);
    CHECK(listed.size() < 5000);
}

TEST_CASE("a bad key, limit or cursor is a 400 that names it, and nobody is asked") {
    World world;
    for (const auto& [target, named] : {std::pair{std::string("/list/abc"), "public key"},
                                        {path("limit=x"), "limit"},
                                        {path("cursor=x"), "cursor"},
                                        {path("since=-1"), "since"}}) {
        const auto response = world.gateway.request("GET", target);
        CHECK(response.status == 400);
        CHECK(response.header("X-Reason").find(named) != std::string::npos);
    }
    CHECK(world.requests("GET", "/list") == 0);
    const auto unknown = path("cursor=" + sha256_hex("x"));
    CHECK(world.gateway.request("GET", unknown).status == 400);
    // Its server may be the one that is away.
    world.two.stop();
    CHECK(world.gateway.request("GET", unknown).status == 503);
    CHECK(world.gateway.request("DELETE", path()).status == 405);
}

TEST_CASE("a list's token reaches the servers that it is meant for; a bad one is refused") {
    World world;
    const auto hash = world.one.put_blob("a picture", "image/png", test_pubkey());
    const auto scoped =
        token({.verb = "list", .servers = {"localhost", "127.0.0.1"}, .more_tags = {}});
    CHECK(world.gateway.request("GET", path(), {{"Authorization", scoped}}).status == 200);
    for (auto* server : world.servers()) {
        const auto seen = server->seen();
        const auto asked = std::ranges::find(seen, Op::list, &Seen::op);
        REQUIRE(asked != seen.end());
        CHECK(asked->headers.has("Authorization"));
    }
    const auto wrong = world.gateway.request(
        "GET", path(), {{"Authorization", token({.verb = "upload", .xs = {hash}})}});
    CHECK(wrong.status == 403);
    const auto expired = world.gateway.request(
        "GET", path(),
        {{"Authorization", token({.verb = "list", .created_at = 1000, .expiration = 2000})}});
    CHECK(expired.status == 401);
    CHECK(world.requests("GET", "/list") == 3);
}

TEST_CASE("who wants another name in its tokens is asked for a list without one") {
    World world({.upstream_keys = {"", "    server_tag_match: url\n", "    auth: none\n"}});
    const auto scoped = token({.verb = "list", .servers = {"127.0.0.1"}});
    CHECK(world.gateway.request("GET", path(), {{"Authorization", scoped}}).status == 200);
    const auto has_token = [](const FakeServer& server) {
        const auto seen = server.seen();
        const auto asked = std::ranges::find(seen, Op::list, &Seen::op);
        return asked != seen.end() && asked->headers.has("Authorization");
    };
    CHECK(has_token(world.one));
    CHECK_FALSE(has_token(world.two));
    CHECK_FALSE(has_token(world.three));
    CHECK(world.requests("GET", "/list") == 3);
}

TEST_CASE("HEAD of a list says what GET would, without a body") {
    World world;
    const auto response = world.gateway.request("HEAD", path());
    CHECK(response.status == 200);
    CHECK(response.header("Content-Type") == "application/json");
    CHECK(response.body.empty());
}

}  // namespace espalier::test
