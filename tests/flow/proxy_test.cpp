// Blobs that the gateway fetches for its clients.
#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

constexpr std::size_t kKiB = 1024;

Gateway::Options proxy(const std::string& more = {}) {
    return {
        .server_keys = "  upstream_mode: proxy\n  download_redirect_strategy: priority\n" + more,
        .upstream_keys = {"    priority: 1\n", "    priority: 2\n", "    priority: 3\n"}};
}

std::string put_everywhere(World& world, const std::string& body, std::string_view type) {
    std::string hash;
    for (FakeServer* server : world.servers()) hash = server->put_blob(body, type);
    return hash;
}

// It is counted when the client may have the whole body already.
bool counts(World& world, const std::string& name, std::uint64_t least) {
    return world.wait_for([&] { return world.gateway.metric(name) >= least; });
}

void edit_all(World& world, const std::function<void(Script&)>& change) {
    for (FakeServer* server : world.servers()) server->edit(change);
}

}  // namespace

TEST_CASE("in proxy mode blobs of every size come whole, with all that is known of them") {
    World world(proxy());
    for (const std::size_t size :
         {0UL, 1UL, 64 * kKiB, 256 * kKiB, 256 * kKiB + 1, 16 * 1024 * kKiB}) {
        CAPTURE(size);
        const auto body = some_bytes(size, 7);
        const auto hash = put_everywhere(world, body, "image/png");
        const auto reply = world.gateway.get(hash);
        CHECK(reply.status == 200);
        CHECK((reply.body == body));
        CHECK(reply.header("Content-Type") == "image/png");
        CHECK(reply.header("Content-Length") == std::to_string(size));
        CHECK(reply.header("ETag") == base::text('"', hash, '"'));
        CHECK(reply.header("Cache-Control") == "public, max-age=31536000, immutable");
        CHECK(reply.header("Accept-Ranges") == "bytes");
        CHECK(reply.header("X-Cache") == "DISABLED");
        CHECK(reply.header("X-Content-Type-Options") == "nosniff");
        CHECK(reply.header("X-Upstream") == world.one.host());
        CHECK(reply.header("Access-Control-Allow-Origin") == "*");
        CHECK(world.gateway.request("HEAD", "/" + hash).header("Content-Length") ==
              std::to_string(size));
    }
    CHECK(counts(world, "blossom_gw_proxied_total", 6));
}

TEST_CASE("scripts of strangers do not run in the gateway's name") {
    World world(proxy());
    for (const auto* type : {"text/html; charset=utf-8", "image/svg+xml"}) {
        const auto hash = put_everywhere(world, type, type);
        CHECK(world.gateway.get(hash).header("Content-Security-Policy") == "sandbox");
    }
    const auto hash = put_everywhere(world, "plain", "text/plain");
    CHECK(world.gateway.get(hash).header("Content-Security-Policy").empty());
}

TEST_CASE("ranges are what a naive slice gives; those of large blobs are marked as not checked") {
    World world(proxy());
    std::mt19937 dice{5};  // NOLINT(bugprone-random-generator-seed): every run is the same
    for (const std::size_t size : {10'000UL, 600 * kKiB}) {
        const auto body = some_bytes(size, 3);
        const auto hash = put_everywhere(world, body, "video/mp4");
        for (int i = 0; i < 20; ++i) {
            const auto first = dice() % size;
            const auto last = first + dice() % size;
            const auto end = std::min(last + 1, size);
            const auto range = base::text("bytes=", first, '-', last);
            CAPTURE(range);
            const auto reply = world.gateway.request("GET", "/" + hash, {{"Range", range}});
            CHECK(reply.status == 206);
            CHECK((reply.body == body.substr(first, end - first)));
            CHECK(reply.header("Content-Range") ==
                  base::text("bytes ", first, '-', end - 1, '/', size));
            CHECK(reply.header("X-Verified") == (size > 256 * kKiB ? "no" : ""));
        }
        const auto ask = [&](const std::string& range) {
            return world.gateway.request("GET", "/" + hash, {{"Range", range}});
        };
        CHECK((ask("bytes=-5").body == body.substr(size - 5)));
        CHECK((ask("bytes=7-").body == body.substr(7)));
        const auto beyond = ask(base::text("bytes=", size, "-"));
        CHECK(beyond.status == 416);
        CHECK(beyond.header("Content-Range") == base::text("bytes */", size));
        for (const auto* whole : {"bytes=3-1", "bytes=1-2,5-6", "lines=1-2"}) {
            CHECK(ask(whole).status == 200);
            CHECK((ask(whole).body == body));
        }
        const base::Headers other{{"Range", "bytes=0-0"}, {"If-Range", "\"another\""}};
        CHECK(world.gateway.request("GET", "/" + hash, other).status == 200);
        const base::Headers same{{"Range", "bytes=0-0"}, {"If-Range", base::text('"', hash, '"')}};
        CHECK(world.gateway.request("GET", "/" + hash, same).status == 206);
    }
}

TEST_CASE("who has the blob already is told so, and no server is asked for it") {
    World world(proxy());
    const auto hash = put_everywhere(world, "a picture", "image/png");
    const auto reply =
        world.gateway.request("GET", "/" + hash, {{"If-None-Match", base::text('"', hash, '"')}});
    CHECK(reply.status == 304);
    CHECK(reply.body.empty());
    CHECK(reply.header("ETag") == base::text('"', hash, '"'));
    CHECK(world.requests("GET") == 0);
}

TEST_CASE("a server that sends wrong bytes is seen through, and never gets a whole body out") {
    World world(proxy());
    world.one.edit([](Script& script) { script.wrong_byte = 5; });
    const auto small = put_everywhere(world, "a small picture", "image/png");
    const auto reply = world.gateway.get(small);
    CHECK(reply.status == 200);
    CHECK(reply.body == "a small picture");
    CHECK(reply.header("X-Upstream") != world.one.host());
    CHECK(counts(world, "blossom_gw_proxy_mismatches_total", 1));

    edit_all(world, [](Script& script) { script.wrong_byte = 5; });
    const auto none = world.gateway.get(put_everywhere(world, "another one", "image/png"));
    CHECK(none.status == 502);
    CHECK(none.header("X-Upstream-Results").find(world.two.host()) != std::string::npos);
    CHECK(none.header("X-Reason").find("another hash") != std::string::npos);

    const auto body = some_bytes(2000 * kKiB);
    const auto large = world.gateway.get(put_everywhere(world, body, "image/png"));
    CHECK(large.status == 200);
    CHECK_FALSE(large.complete);
    CHECK(large.body.size() <= body.size() - 64 * kKiB);
}

TEST_CASE("where a server breaks off the client only notices a pause") {
    World world(proxy("  stall_timeout: 300ms\n"));
    const auto body = some_bytes(3000 * kKiB);
    const auto hash = put_everywhere(world, body, "image/png");
    const std::vector<std::function<void(Script&)>> breaks{
        [](Script& script) { script.cut_answer = CutAt{1000 * kKiB, Cut::rst}; },
        [](Script& script) { script.cut_answer = CutAt{2000 * kKiB, Cut::fin}; },
        [](Script& script) { script.stall_answer_at = 1000 * kKiB; },
    };
    for (const auto& broken : breaks) {
        world.one.edit(broken);
        const auto reply = world.gateway.get(hash);
        CHECK(reply.status == 200);
        CHECK((reply.body == body));
        world.one.set_script({});
    }
    CHECK(counts(world, "blossom_gw_proxy_failovers_total", 1));
}

TEST_CASE("when what is known is old, everybody is asked again") {
    World world(proxy());
    const auto hash = world.one.put_blob("a picture", "image/png");
    CHECK(world.gateway.get(hash).status == 200);
    world.one.stop();
    world.three.put_blob("a picture", "image/png");
    CHECK(world.gateway.get(hash).body == "a picture");
    world.three.drop_blob(hash);
    world.one.restart();
    world.one.drop_blob(hash);
    CHECK(world.gateway.get(hash).status == 404);
}

TEST_CASE("every server takes its turn in proxy mode, too") {
    World world(
        {.server_keys = "  upstream_mode: proxy\n  download_redirect_strategy: round_robin\n"});
    const auto hash = put_everywhere(world, "a picture", "image/png");
    for (int i = 0; i < 12; ++i) CHECK(world.gateway.get(hash).body == "a picture");
    for (FakeServer* server : world.servers()) CHECK(server->count("GET") == 4);
}

TEST_CASE("a client that leaves ends its fetch") {
    World world(proxy());
    const auto hash = world.one.put_blob(some_bytes(40'000 * kKiB), "video/mp4");
    {
        RawClient client(world.gateway.port());
        client.send(base::text("GET /", hash, " HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(client.read_head().has_value());
    }
    const auto ended = [&] {
        const auto seen = world.one.seen();
        return std::ranges::any_of(seen,
                                   [](const Seen& one) { return one.op == Op::get && one.gone; });
    };
    CHECK(world.wait_for(ended));
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_transfers") == 0; }));
}

TEST_CASE(
    "a client that leaves while the servers are silent ends its fetch, and frees its worker") {
    World world(proxy());
    const auto hash = world.one.put_blob("a picture", "image/png");
    const auto large = world.one.put_blob(some_bytes(2000 * kKiB), "video/mp4");
    CHECK(world.gateway.request("HEAD", "/" + hash).status == 200);
    CHECK(world.gateway.request("HEAD", "/" + large).status == 200);
    world.one.edit([](Script& script) { script.stall_answer_at = 5; });
    for (const auto& wanted : {hash, large}) {
        world.one.forget_seen();
        {
            RawClient client(world.gateway.port());
            client.send(base::text("GET /", wanted, " HTTP/1.1\r\nHost: x\r\n\r\n"));
            CHECK(world.one.wait_for_requests("GET", "/" + wanted));
        }
        CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_transfers") == 0; }));
    }
    world.one.edit([](Script& script) { script.stall_answer_at.reset(); });
}

TEST_CASE("in redirect mode blobs are fetched from servers that browsers could not use") {
    const auto options = [](const std::string& more) {
        return Gateway::Options{.server_keys = "  download_redirect_strategy: priority\n" + more};
    };
    SUBCASE("no CORS") {
        World world(options(""));
        edit_all(world, [](Script& script) { script.allow_origin = false; });
        const auto hash = world.one.put_blob("a picture", "image/png");
        for (int i = 0; i < 2; ++i) {
            const auto reply = world.gateway.get(hash);
            CHECK(reply.status == 200);
            CHECK(reply.body == "a picture");
            CHECK(reply.header("Access-Control-Allow-Origin") == "*");
        }
        edit_all(world, [](Script& script) { script.allow_origin = true; });
        const auto other = world.one.put_blob("another picture", "image/png");
        CHECK(world.gateway.get(other).status == 307);
    }
    SUBCASE("no CORS, and the operator does not mind") {
        World world(options("  proxy_when_needed: false\n"));
        edit_all(world, [](Script& script) { script.allow_origin = false; });
        CHECK(world.gateway.get(world.one.put_blob("a picture", "image/png")).status == 307);
    }
    SUBCASE("mixed content, by the gateway's own URL") {
        World world(options("  base_url: https://gateway.example\n"));
        CHECK(world.gateway.get(world.one.put_blob("a picture", "image/png")).status == 200);
    }
    SUBCASE("mixed content, by a trusted proxy") {
        World world(options("  trusted_proxies: [127.0.0.1]\n"));
        const auto hash = world.one.put_blob("a picture", "image/png");
        for (int i = 0; i < 2; ++i) {
            const auto secure =
                world.gateway.request("GET", "/" + hash, {{"X-Forwarded-Proto", "https"}});
            CHECK(secure.status == 200);
            CHECK(world.gateway.get(hash).status == 307);
        }
    }
}

}  // namespace espalier::test
