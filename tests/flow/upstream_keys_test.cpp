// What an operator says of one upstream changes what it is sent and who is sent to it.
#include <map>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

// Three servers, of which the third has these keys.
Gateway::Options third(const std::string& keys) {
    return {.server_keys = "  hedge_delay: 5s\n", .upstream_keys = {"", "", "    " + keys + "\n"}};
}

std::string host_of(const Response& response) {
    const auto location = response.header("Location");
    const auto begin = location.find("//") + 2;
    return std::string(location.substr(begin, location.find('/', begin) - begin));
}

bool skipped(const Response& response, const FakeServer& server) {
    return response.header("X-Upstream-Results").find(server.host() + "=skipped") !=
           std::string::npos;
}

// A put that needs all three servers: its status and reason are the third's.
Response put_to_all(World& world, std::string_view body, base::Headers headers = {}) {
    headers.add("X-Min-Upstreams", "3");
    return world.gateway.put(body, std::move(headers));
}

Response ask(World& world, std::size_t size, const char* type) {
    const auto hash = sha256_hex("whatever");
    return world.gateway.request("HEAD", "/upload",
                                 {{"Authorization", token({.xs = {hash}})},
                                  {"X-SHA-256", hash},
                                  {"X-Content-Length", base::text(size)},
                                  {"X-Content-Type", type}});
}

// What the ledger lists as owed.
std::uint64_t owed_replicas(const World& world) {
    return world.gateway.metric("blossom_gw_replicas_pending");
}

std::string authorization_at(const FakeServer& server, std::string_view method) {
    for (const Seen& seen : server.seen())
        if (seen.method == method && seen.path != "/")
            return std::string(seen.headers.value("Authorization"));
    return "never asked";
}

// A gateway whose upstreams have names of their own, reached by connect_to.
struct Named {
    explicit Named(const std::string& third_keys)
        : gateway({"http://one.example", "http://two.example", "http://three.example"},
                  {.upstream_keys = {at(one), at(two), at(three) + third_keys}}) {}

    static std::string at(const FakeServer& server) {
        return base::text("    connect_to: \"", server.host(), "\"\n");
    }

    FakeServer one, two, three;
    Gateway gateway;
};

}  // namespace

TEST_CASE("ro, source and drain servers get no uploads, but deletes, and owe no replica") {
    for (const char* mode : {"ro", "source", "drain"}) {
        CAPTURE(mode);
        World world(third(base::text("mode: ", mode)));
        const auto body = some_bytes(1000);
        const auto stored = world.gateway.put(body);
        CHECK(stored.status == 201);
        CHECK(skipped(stored, world.three));
        CHECK(owed_replicas(world) == 0);
        const auto refused = put_to_all(world, body);
        CHECK(refused.status == 503);
        CHECK(refused.header("X-Reason").find("read-only") != std::string::npos);
        CHECK(ask(world, 1000, "image/png").status == 200);
        CHECK(world.three.count("PUT") == 0);
        CHECK(world.three.count("HEAD", "/upload") == 0);
        CHECK(world.gateway.remove(sha256_hex(body)).status == 204);
        CHECK(world.three.count("DELETE") == 1);
    }
}

TEST_CASE("a paused server owes the replica that it was not sent") {
    World world;
    world.three.edit([](Script& script) {
        script.on(Op::upload) = {.status = 429, .headers = {{"Retry-After", "3600"}}};
    });
    CHECK(world.gateway.put("one body").status == 201);
    const auto second = world.gateway.put("another body");
    CHECK(second.status == 201);
    CHECK(skipped(second, world.three));
    CHECK(owed_replicas(world) == 2);
}

TEST_CASE("an upload that only read-only servers could complete is refused before it is sent") {
    World world({.upstream_keys = {"", "    mode: ro\n", "    mode: drain\n"}});
    CHECK(world.gateway.put(some_bytes(1000)).status == 503);
    CHECK(ask(world, 1000, "image/png").status == 503);
    CHECK(world.requests("PUT") == 0);
}

TEST_CASE("clients are sent to a ro server as to any other") {
    World world(third("mode: ro"));
    const auto hash = world.three.put_blob("a picture");
    CHECK(host_of(world.gateway.get(hash)) == world.three.host());
}

TEST_CASE("without a required server no upload succeeds, and its answer is the client's") {
    World world(third("required: true"));
    const auto fine = world.gateway.put("fine", {{"X-Min-Upstreams", "2"}});
    CHECK(fine.status == 201);
    CHECK(world.three.has_blob(sha256_hex("fine")));
    world.three.edit([](Script& script) {
        script.on(Op::upload) = {.status = 403, .headers = {{"X-Reason", "not here"}}};
        script.on(Op::mirror) = {.status = 403};
        script.check_status = 403;
    });
    const auto refused = world.gateway.put("refused");
    CHECK(refused.status == 403);
    CHECK(refused.header("X-Reason").find("not here") != std::string::npos);
    CHECK(ask(world, 100, "image/png").status == 403);
    world.three.stop();
    CHECK(world.gateway.put("unreachable").status == 503);
}

TEST_CASE("a server for some users' blobs gets theirs only") {
    World world(third(base::text("pubkeys: [", test_pubkey(), "]")));
    CHECK(world.gateway.put("theirs").status == 201);
    CHECK(world.three.wait_for([&] { return world.three.has_blob(sha256_hex("theirs")); }));
    const auto other = world.gateway.put(
        "another's", {{"Authorization", token(test_key(2), {.xs = {sha256_hex("another's")}})}});
    CHECK(other.status == 201);
    CHECK(skipped(other, world.three));
    CHECK_FALSE(world.three.has_blob(sha256_hex("another's")));
    CHECK(owed_replicas(world) == 0);
}

TEST_CASE("a server is sent no more bytes a second than it may be") {
    World world(third("rate_up: 2MiB"));
    const auto begun = base::Steady::now();
    CHECK(put_to_all(world, some_bytes(1 << 20U)).status == 201);
    CHECK(base::Steady::now() - begun >= base::Milliseconds{400});
}

TEST_CASE("a server gets no more than its quota, counted over restarts and deletes") {
    World world(third("quota_bytes: 2000"));
    CHECK(put_to_all(world, some_bytes(1000, 1)).status == 201);
    CHECK(put_to_all(world, some_bytes(1000, 1)).status == 200);  // it is there already
    CHECK(put_to_all(world, some_bytes(900, 2)).status == 201);
    const auto stats = world.gateway.request("GET", "/stats").body;
    CHECK(stats.find("\"used\": 1900") != std::string::npos);
    world.gateway.restart();
    const auto refused = put_to_all(world, some_bytes(101, 3));
    CHECK(refused.status == 507);
    CHECK(refused.header("X-Reason").find("quota") != std::string::npos);
    const auto to_two = world.gateway.put(some_bytes(101, 3));
    CHECK(to_two.status == 201);
    CHECK(skipped(to_two, world.three));
    CHECK(owed_replicas(world) == 0);
    const auto hash = sha256_hex(some_bytes(900, 2));
    CHECK(world.gateway.request("HEAD", "/" + hash).status == 200);  // its size is known then
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(put_to_all(world, some_bytes(900, 4)).status == 201);
}

TEST_CASE("turns go by weight") {
    World world(
        {.server_keys = "  hedge_delay: 5s\n", .upstream_keys = {"", "", "    weight: 999\n"}});
    int given = 0;
    for (int i = 0; i < 20; ++i) {
        const auto body = base::text("picture ", i);
        world.two.put_blob(body);
        if (host_of(world.gateway.get(world.three.put_blob(body))) == world.three.host()) ++given;
    }
    CHECK(given >= 17);
}

TEST_CASE("clients are never sent to a source") {
    World world(third("mode: source"));
    const auto only = world.three.put_blob("only there");
    CHECK(world.gateway.get(only).status == 404);
    CHECK(world.gateway.request("HEAD", "/" + only).status == 404);
    const auto both = world.three.put_blob("at two");
    world.two.put_blob("at two");
    for (int i = 0; i < 4; ++i) CHECK(host_of(world.gateway.get(both)) == world.two.host());
}

TEST_CASE("clients are sent to a draining server only when no other has the blob") {
    World world(third("mode: drain"));
    const auto only = world.three.put_blob("only there");
    for (int i = 0; i < 2; ++i) CHECK(host_of(world.gateway.get(only)) == world.three.host());
    const auto both = world.three.put_blob("at two");
    world.two.put_blob("at two");
    for (int i = 0; i < 4; ++i) CHECK(host_of(world.gateway.get(both)) == world.two.host());
}

TEST_CASE("max_bytes: a server is not sent what is larger, and owes no replica of it") {
    World world(third("max_bytes: 1000"));
    const auto fits = some_bytes(1000);
    CHECK(put_to_all(world, fits).status == 201);
    CHECK(world.three.has_blob(sha256_hex(fits)));
    const auto larger = some_bytes(1001);
    const auto stored = world.gateway.put(larger);
    CHECK(stored.status == 201);
    CHECK(skipped(stored, world.three));
    const auto refused = put_to_all(world, larger);
    CHECK(refused.status == 413);
    CHECK(refused.header("X-Reason").find("at most 1000 bytes") != std::string::npos);
    CHECK(world.three.count("PUT") == 1);
    CHECK(owed_replicas(world) == 0);
}

TEST_CASE("max_bytes holds for bodies whose length is not declared, too") {
    World world(third("max_bytes: 1000"));
    const auto put = [&](std::string_view body, const char* quorum) {
        return streaming_put(world.gateway.port(), body,
                             {.headers = {{"Authorization", token({.xs = {sha256_hex(body)}})},
                                          {"X-Min-Upstreams", quorum}},
                              .chunked = true});
    };
    CHECK(put(some_bytes(1000), "3").status == 201);
    const auto stored = put(some_bytes(1001), "2");
    CHECK(stored.status == 201);
    CHECK(skipped(stored, world.three));
    CHECK(put(some_bytes(1002), "3").status == 413);
    CHECK(world.three.count("PUT") == 1);
    CHECK(owed_replicas(world) == 0);
}

TEST_CASE("mime_allow and mime_deny: a server is sent only the types it takes") {
    World world(third("mime_allow: [\"image/*\", text/plain]\n    mime_deny: [Image/GIF]"));
    const auto status = [&](const base::Headers& headers) {
        return put_to_all(world, some_bytes(100), headers).status;
    };
    CHECK(status({{"Content-Type", "IMAGE/png"}}) == 201);
    CHECK(status({{"Content-Type", "text/plain; charset=utf-8"}}) / 100 == 2);
    const auto sent = world.three.count("PUT");
    CHECK(status({{"Content-Type", "image/gif"}}) == 415);
    CHECK(status({{"Content-Type", "text/plainer"}}) == 415);
    CHECK(status({{"Content-Type", "imagery/png"}}) == 415);
    CHECK(status({}) == 415);
    CHECK(world.three.count("PUT") == sent);
    const auto stored = world.gateway.put(some_bytes(200), {{"Content-Type", "video/mp4"}});
    CHECK(stored.status == 201);
    CHECK(skipped(stored, world.three));
    CHECK(owed_replicas(world) == 0);
}

TEST_CASE("HEAD /upload knows what the servers do not take") {
    const std::string picky = "    max_bytes: 1000\n    mime_deny: [video/mp4]\n";
    World world({.upstream_keys = {"", picky, picky}});
    CHECK(ask(world, 1000, "image/png").status == 200);
    CHECK(ask(world, 1001, "image/png").status == 413);
    const auto refused = ask(world, 1000, "video/mp4");
    CHECK(refused.status == 415);
    CHECK(refused.header("X-Reason").find("video/mp4") != std::string::npos);
    for (const Seen& seen : world.three.seen())
        CHECK(seen.headers.value("X-Content-Type") != "video/mp4");
}

TEST_CASE("auth: none sends no token, whatever the token is limited to") {
    Named named("    auth: none\n");
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    const auto scoped = [&](std::string verb) {
        return token(
            {.verb = std::move(verb), .xs = {hash}, .servers = {"one.example", "two.example"}});
    };
    const auto put =
        named.gateway.put(body, {{"Authorization", scoped("upload")}, {"X-Min-Upstreams", "3"}});
    CHECK(put.status == 201);
    CHECK(authorization_at(named.one, "PUT").starts_with("Nostr "));
    CHECK(authorization_at(named.three, "PUT") == "");
    const auto removed =
        named.gateway.request("DELETE", "/" + hash, {{"Authorization", scoped("delete")}});
    CHECK(removed.status == 204);
    CHECK(authorization_at(named.two, "DELETE").starts_with("Nostr "));
    CHECK(authorization_at(named.three, "DELETE") == "");
}

TEST_CASE("auth_encoding: each server gets the token in the base64 that it reads") {
    World world(third("auth_encoding: url"));
    // 250 question marks: standard base64 has '/' in it, and some length needs padding.
    const auto body = some_bytes(1000);
    const auto json =
        token_json(test_key(), {.xs = {sha256_hex(body)}, .content = std::string(250, '?')});
    const auto std_text = protocol::authorization_header(json, protocol::TokenEncoding::std_padded);
    const auto url_text = protocol::authorization_header(json, protocol::TokenEncoding::url);
    REQUIRE(std_text != url_text);
    CHECK(put_to_all(world, body, {{"Authorization", std_text}}).status == 201);
    CHECK(authorization_at(world.one, "PUT") == std_text);
    CHECK(authorization_at(world.three, "PUT") == url_text);
}

TEST_CASE("server_tag_match: a server is asked when the token names it as it wants to be named") {
    const std::vector<std::string> others{"one.example", "two.example"};
    const auto status = [&](const std::string& match, const std::string& tag) {
        Named named(base::text("    server_tag_match: ", match, "\n"));
        auto servers = others;
        if (!tag.empty()) servers.push_back(tag);
        const auto body = some_bytes(1000);
        const auto put = named.gateway.put(
            body, {{"Authorization", token({.xs = {sha256_hex(body)}, .servers = servers})},
                   {"X-Min-Upstreams", "3"}});
        CHECK(named.three.count("PUT") == (put.status == 201 ? 1 : 0));
        if (put.status != 201)
            CHECK(put.header("X-Reason").find("three.example") != std::string::npos);
        return put.status;
    };
    CHECK(status("domain", "three.example") == 201);
    CHECK(status("domain", "") == 401);
    CHECK(status("url", "http://three.example/") == 201);
    CHECK(status("url", "three.example") == 401);
    CHECK(status("url", "https://three.example") == 401);
    CHECK(status("any", "") == 201);
}

TEST_CASE("max_token_age: a server is not sent a token that it takes for too old") {
    World world(third("max_token_age: 3m"));
    const auto body = some_bytes(1000);
    const auto now = base::SystemClock().unix_now();
    const auto aged = [&](std::int64_t seconds) {
        return base::Headers{{"Authorization", token({.xs = {sha256_hex(body)},
                                                      .created_at = now - seconds,
                                                      .expiration = now + 3600})}};
    };
    CHECK(put_to_all(world, body, aged(10)).status == 201);
    const auto refused = put_to_all(world, body, aged(300));
    CHECK(refused.status == 401);
    CHECK(refused.header("X-Reason").find("too old") != std::string::npos);
    const auto stored = world.gateway.put(body, aged(300));
    CHECK(stored.status == 200);
    CHECK(skipped(stored, world.three));
    CHECK(world.three.count("PUT") == 1);
}

TEST_CASE("connect_to: a server is reached elsewhere under its own name, which clients see") {
    FakeServer one, two, three;
    Gateway gateway({"http://blobs.example", two.url(), three.url()},
                    {.upstream_keys = {base::text("    alternative_address: ", one.host(), "\n")}});
    const auto body = some_bytes(1000);
    const auto put = gateway.put(body, {{"X-Min-Upstreams", "3"}});
    REQUIRE(put.status == 201);
    REQUIRE(one.has_blob(sha256_hex(body)));
    for (const Seen& seen : one.seen()) CHECK(seen.headers.value("Host") == "blobs.example");
    CHECK(put.body.find("http://blobs.example/") != std::string::npos);
    const auto hash = one.put_blob("only there");
    const auto get = gateway.get(hash);
    CHECK(host_of(get) == "blobs.example");
    one.stop();
    const auto failed = gateway.put(some_bytes(500), {{"X-Min-Upstreams", "3"}});
    CHECK(failed.status >= 502);
    CHECK(failed.body.find("blobs.example") != std::string::npos);
    std::string told = failed.body + put.body + get.body + gateway.request("GET", "/stats").body +
                       gateway.request("GET", "/").body + gateway.request("GET", "/metrics").body;
    for (const auto* response : {&put, &get, &failed})
        for (const auto& [name, value] : response->headers) told += value + "\n";
    CHECK(told.find(base::text(':', one.port())) == std::string::npos);
}

TEST_CASE("supports_upload_head: false, and a server is not asked before an upload") {
    World world(third("supports_upload_head: false"));
    world.one.edit([](Script& script) { script.on(Op::check) = {.status = 415}; });
    CHECK(ask(world, 1000, "image/png").status == 200);
    CHECK(world.three.count("HEAD", "/upload") == 0);
}

}  // namespace espalier::test
