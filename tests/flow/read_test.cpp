#include <set>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

std::string host_of(const Response& response) {
    const auto location = response.header("Location");
    const auto begin = location.find("//") + 2;
    return std::string(location.substr(begin, location.find('/', begin) - begin));
}

}  // namespace

TEST_CASE("a blob that one server has is found and redirected to, with its extension") {
    World world;
    const auto hash = world.two.put_blob("a picture", "image/png");
    const auto plain = world.gateway.get(hash);
    CHECK(plain.status == 307);
    CHECK(plain.header("Location") == base::text(world.two.url(), "/", hash, ".png"));
    CHECK(plain.header("Cache-Control") == "private, no-store");
    CHECK(plain.header("Access-Control-Allow-Origin") == "*");
    CHECK(plain.header("X-Cache") == "DISABLED");
    const auto named = world.gateway.get(hash + ".jpeg");
    CHECK(named.header("Location") == base::text(world.two.url(), "/", hash, ".jpeg"));
    const auto there = http_request(world.two.port(), "GET", "/" + hash);
    CHECK(there.body == "a picture");
}

TEST_CASE("a known blob is answered without asking anybody") {
    World world;
    const auto hash = world.two.put_blob("a picture");
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.wait_for([&] { return world.requests("HEAD", "/" + hash) == 3; }));
    for (int i = 0; i < 5; ++i) CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.requests("HEAD", "/" + hash) == 3);
    CHECK(world.requests("GET") == 0);
}

TEST_CASE("HEAD is answered by us with what the winner said") {
    World world;
    const auto hash = world.two.put_blob("a picture", "image/png");
    for (int i = 0; i < 2; ++i) {
        const auto response = world.gateway.request("HEAD", "/" + hash + ".png");
        CHECK(response.status == 200);
        CHECK(response.header("Content-Type") == "image/png");
        CHECK(response.header("Content-Length") == "9");
        CHECK(response.header("Accept-Ranges") == "bytes");
        CHECK(response.header("ETag") == base::text('"', hash, '"'));
        CHECK(response.header("X-Upstream") == world.two.host());
    }
}

TEST_CASE("Last-Modified and Sunset of the winner are passed on") {
    World world;
    const auto hash = world.two.put_blob("a picture");
    world.two.edit([](Script& script) {
        script.on(Op::head).headers = {{"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                       {"Sunset", "Fri, 01 Jan 2100 00:00:00 GMT"}};
    });
    for (int i = 0; i < 2; ++i) {
        const auto response = world.gateway.request("HEAD", "/" + hash);
        CHECK(response.header("Last-Modified") == "Sun, 06 Nov 1994 08:49:37 GMT");
        CHECK(response.header("Sunset") == "Fri, 01 Jan 2100 00:00:00 GMT");
    }
}

TEST_CASE("a blob is said to go when the last of its copies goes") {
    World world({.server_keys = "  hedge_delay: 5s\n  download_redirect_strategy: priority\n",
                 .upstream_keys = {"    priority: 3\n", "    priority: 2\n", "    priority: 1\n"}});
    std::string hash;
    int year = 2100;
    for (FakeServer* server : world.servers()) {
        hash = server->put_blob("a picture");
        const auto sunset = base::text("Thu, 01 Jan ", year, " 00:00:00 GMT");
        server->edit([&](Script& script) {
            script.on(Op::head).headers = {{"Sunset", sunset}};
            // The preferred one answers last, and is waited for.
            script.on(Op::head).before_answer.delay = base::Milliseconds{year == 2102 ? 300 : 0};
        });
        ++year;
    }
    for (int i = 0; i < 2; ++i)
        CHECK(world.gateway.request("HEAD", "/" + hash).header("Sunset").find("2102") !=
              std::string_view::npos);
}

TEST_CASE("a length that the server does not say is not made up") {
    World world;
    const auto hash = world.two.put_blob("a picture");
    world.two.edit([&](Script& script) {
        script.hook = [hash](const Seen& seen) -> std::optional<Answer> {
            if (seen.method != "HEAD" || seen.path != "/" + hash) return std::nullopt;
            return Answer{.raw = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"};
        };
    });
    for (int i = 0; i < 2; ++i) {
        const auto response = world.gateway.request("HEAD", "/" + hash);
        CHECK(response.status == 200);
        CHECK(response.header("Content-Type") == "image/png");
        CHECK(response.header("Content-Length").empty());
    }
}

TEST_CASE("one client after another gets another replica, also when each asks by HEAD first") {
    World world({.server_keys = "  trusted_proxies: [127.0.0.1]\n"});
    const auto hash = world.one.put_blob("a picture");
    world.two.put_blob("a picture");
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.wait_for([&] { return world.requests("HEAD", "/" + hash) == 3; }));
    int client = 0;
    for (const char* query : {"", "?on=a-worker"}) {
        std::set<std::string> given;
        for (int i = 0; i < 4; ++i) {
            const base::Headers from{{"X-Forwarded-For", base::text("192.0.2.", ++client)}};
            CHECK(world.gateway.request("HEAD", base::text('/', hash, query), from).status == 200);
            given.insert(host_of(world.gateway.request("GET", base::text('/', hash, query), from)));
        }
        CHECK(given.size() == 2);
    }
}

TEST_CASE("a blob nobody has is a 404 that is remembered until somebody stores it") {
    World world({.server_keys = "  negative_ttl: 1h\n"});
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    CHECK(world.gateway.get(hash).status == 404);
    const auto again = world.gateway.get(hash);
    CHECK(again.status == 404);
    CHECK_FALSE(again.header("X-Reason").empty());
    CHECK(world.requests("HEAD", "/" + hash) == 3);
    CHECK(world.gateway.put(body).status == 201);
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.gateway.get(hash).status == 404);
}

TEST_CASE("silence is not a no: 504 or 502 with who did not answer") {
    World world({.server_keys = "  lookup_timeout: 300ms\n"});
    const auto hash = sha256_hex("nobody has this");
    world.three.edit([](Script& script) { script.on(Op::head).before_body.hold = true; });
    const auto late = world.gateway.get(hash);
    CHECK(late.status == 504);
    CHECK(late.header("X-Reason").find(world.three.host()) != std::string::npos);
    CHECK(late.header("Retry-After") == "1");
    world.three.stop();
    const auto refused = world.gateway.get(hash);
    CAPTURE(refused.body);
    CHECK(refused.status == 502);
}

TEST_CASE("uncertain_read: 404 restores the original's answer") {
    World world({.server_keys = "  uncertain_read: 404\n"});
    world.three.stop();
    CHECK(world.gateway.get(sha256_hex("nobody has this")).status == 404);
}

TEST_CASE("a hanging server does not hold up a hit at another one") {
    World world;
    const auto hash = world.two.put_blob("a picture");
    world.one.edit([](Script& script) { script.on(Op::head).before_body.hold = true; });
    world.three.edit([](Script& script) { script.on(Op::head).before_body.hold = true; });
    CHECK(world.gateway.get(hash).status == 307);
}

TEST_CASE("the same client asking again gets another replica") {
    World world;
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    for (FakeServer* server : world.servers()) server->put_blob(body);
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_transfers") == 0; }));
    std::string before = host_of(world.gateway.get(hash));
    for (int i = 0; i < 6; ++i) {
        const auto now = host_of(world.gateway.get(hash));
        CHECK(now != before);
        before = now;
    }
}

TEST_CASE("a dead server is no redirect target any more once a probe has missed it") {
    World world({.server_keys = "  probe_interval: 1s\n"});
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    CHECK(world.gateway.put(body).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    world.two.stop();
    const auto suspect =
        base::text("blossom_gw_upstream_suspect{upstream=\"", world.two.host(), "\"}");
    CHECK(world.one.wait_for([&] { return world.gateway.metric(suspect) == 1; }));
    for (int i = 0; i < 10; ++i) CHECK(host_of(world.gateway.get(hash)) != world.two.host());
    world.two.restart();
    CHECK(world.one.wait_for([&] { return world.gateway.metric(suspect) == 0; }));
}

TEST_CASE("paths that are no blobs are told apart") {
    World world;
    const auto hash = sha256_hex("x");
    std::string upper = hash;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    CHECK(world.gateway.get(upper).status == 400);
    CHECK(world.gateway.get(hash + "/x").status == 404);
    CHECK(world.gateway.get("nothing").status == 404);
    const auto wrong = world.gateway.request("PATCH", "/" + hash);
    CHECK(wrong.status == 405);
    CHECK(wrong.header("Access-Control-Allow-Origin") == "*");
    CHECK_FALSE(wrong.header("X-Reason").empty());
    const auto options = world.gateway.request("OPTIONS", "/" + hash);
    CHECK(options.status == 204);
    CHECK(options.header("Access-Control-Allow-Headers").find("Authorization") == 0);
    CHECK(options.header("Access-Control-Allow-Methods") == "GET, HEAD, PUT, DELETE, OPTIONS");
}

TEST_CASE("a delete goes to every server and its status says what became of the copies") {
    World world;
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    CHECK(world.gateway.remove(hash).status == 404);
    REQUIRE(world.gateway.put(body).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.gateway.request("DELETE", "/" + hash).status == 401);
    CHECK(
        world.gateway.request("DELETE", "/" + hash, {{"Authorization", token({.verb = "delete"})}})
            .status == 403);
    CHECK(world.requests("DELETE") == 3);
    world.three.edit([](Script& script) { script.on(Op::remove) = {.status = 500}; });
    const auto partly = world.gateway.remove(hash);
    CHECK(partly.status == 502);
    CHECK(partly.body.find(world.three.host()) != std::string::npos);
    world.three.edit([](Script& script) { script.ops.clear(); });
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.gateway.get(hash).status == 404);
}

TEST_CASE("the pages answer, and /health is 503 exactly when too few servers are well") {
    World world({.server_keys = "  max_failures: 1\n  probe_interval: 1s\n  probe_timeout: 10s\n"});
    for (const char* path : {"/", "/stats", "/metrics", "/live", "/ready", "/health"}) {
        const auto response = world.gateway.request("GET", path);
        CAPTURE(path);
        CHECK(response.status == 200);
        CHECK(response.header("Access-Control-Allow-Origin") == "*");
    }
    world.one.stop();
    CHECK(world.two.wait_for([&] {
        return world.gateway.metric(base::text("blossom_gw_upstream_healthy{upstream=\"",
                                               world.one.host(), "\"}")) == 0;
    }));
    CHECK(world.gateway.request("GET", "/health").status == 200);
    world.two.stop();
    CHECK(world.three.wait_for(
        [&] { return world.gateway.request("GET", "/health").status == 503; }));
    CHECK(world.gateway.request("GET", "/live").status == 200);
    world.two.restart();
    CHECK(world.three.wait_for(
        [&] { return world.gateway.request("GET", "/health").status == 200; }));
}

}  // namespace espalier::test
