#include <algorithm>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

// Three servers before the gateway, and one elsewhere that has the blob.
struct MirrorWorld : World {
    explicit MirrorWorld(Gateway::Options options = {})
        : World(with_private_origins(std::move(options))) {}

    static Gateway::Options with_private_origins(Gateway::Options options) {
        options.server_keys += "  mirror_private_origins: true\n";
        return options;
    }
    std::string put(const std::string& bytes, std::string_view type = "image/png") {
        return origin.put_blob(bytes, type);
    }
    std::string url_of(const std::string& hash) const {
        return base::text(origin.url(), "/", hash, ".png");
    }
    Response mirror(const std::string& url, const std::vector<std::string>& xs,
                    base::Headers headers = {}) const {
        headers.add("Authorization", token({.xs = xs}));
        return gateway.request("PUT", "/mirror", headers, Json{{"url", url}}.dump());
    }
    void refuse_mirrors(int status) {
        for (FakeServer* server : servers())
            server->edit([=](Script& script) { script.on(Op::mirror).status = status; });
    }

    FakeServer origin;
};

}  // namespace

TEST_CASE("a mirror reaches every server, which fetches the blob itself") {
    MirrorWorld world;
    const auto hash = world.put("a picture");
    const auto response = world.mirror(world.url_of(hash), {hash});
    CHECK(response.status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.requests("PUT", "/mirror") == 3);
    CHECK(world.requests("PUT", "/upload") == 0);
    const auto descriptor = Json::parse(response.body, nullptr, false);
    CHECK(descriptor["sha256"] == hash);
    CHECK(descriptor["size"] == 9);
    CHECK(descriptor["type"] == "image/png");
    CHECK(descriptor["nip94"].size() >= 5);
    CHECK(world.mirror(world.url_of(hash), {hash}).status == 200);
    CHECK(world.gateway.get(hash).status == 307);
}

TEST_CASE("servers that do not mirror get the blob from us, fetched once") {
    for (const int status : {404, 405, 501, 403, 502}) {
        CAPTURE(status);
        MirrorWorld world;
        const auto hash = world.put(some_bytes(400'000));
        world.refuse_mirrors(status);
        CHECK(world.mirror(world.url_of(hash), {hash}).status == 201);
        CHECK(world.wait_for([&] { return world.everywhere(hash); }));
        CHECK(world.origin.count("GET") == 1);
        CHECK(world.requests("PUT", "/upload") == 3);
        const auto seen = world.one.seen();
        const auto upload = std::ranges::find(seen, Op::upload, &Seen::op);
        REQUIRE(upload != seen.end());
        CHECK(upload->headers.value("Content-Type") == "image/png");
    }
}

TEST_CASE("one that mirrors counts, the others are uploaded to until the quorum is there") {
    MirrorWorld world;
    const auto hash = world.put("a picture");
    world.two.edit([](Script& script) { script.on(Op::mirror).status = 404; });
    world.three.edit([](Script& script) { script.on(Op::mirror).status = 404; });
    CHECK(world.mirror(world.url_of(hash), {hash}).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.one.count("PUT", "/upload") == 0);
}

TEST_CASE("a server that is said not to mirror is not asked to") {
    MirrorWorld world(
        {.upstream_keys = {"    supports_mirror: false\n", "    supports_mirror: false\n"}});
    const auto hash = world.put("a picture");
    CHECK(world.mirror(world.url_of(hash), {hash}).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.one.count("PUT", "/mirror") == 0);
    CHECK(world.two.count("PUT", "/mirror") == 0);
}

TEST_CASE(
    "a blob without a name in its URL is fetched, so that its hash is known before anybody stores "
    "it") {
    MirrorWorld world;
    const auto hash = world.put("a picture");
    world.origin.edit([&](Script& script) {
        script.hook = [](const Seen& seen) -> std::optional<Answer> {
            if (seen.path != "/cat.png") return std::nullopt;
            return Answer{.headers = {{"Content-Type", "image/png"}}, .body = "a picture"};
        };
    });
    const auto url = world.origin.url() + "/cat.png";
    CHECK(world.mirror(url, {hash, sha256_hex("other")}).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.requests("PUT", "/mirror") == 0);
    const auto refused = world.mirror(url, {sha256_hex("x"), sha256_hex("y")});
    CHECK(refused.status == 409);
    CHECK(refused.header("X-Reason").find(hash) != std::string::npos);
}

TEST_CASE("bytes of another hash are stored nowhere") {
    for (const std::size_t size : {10UL, 400'000UL}) {
        CAPTURE(size);
        MirrorWorld world;
        const auto hash = world.put(some_bytes(size));
        world.origin.edit([](Script& script) { script.wrong_byte = 5; });
        world.refuse_mirrors(404);
        const auto response = world.mirror(world.url_of(hash), {hash});
        CHECK(response.status == 409);
        CHECK_FALSE(world.anything_stored());
    }
}

TEST_CASE("an origin that is not there, refuses or breaks off is a 502 that says so") {
    MirrorWorld world;
    world.refuse_mirrors(404);
    const auto missing = world.mirror(world.url_of(sha256_hex("x")), {sha256_hex("x")});
    CHECK(missing.status == 502);
    CHECK(missing.header("X-Reason").find("404") != std::string::npos);
    const auto hash = world.put(some_bytes(400'000));
    world.origin.edit([](Script& script) { script.cut_answer = CutAt{.bytes = 300'000}; });
    CHECK(world.mirror(world.url_of(hash), {hash}).status == 502);
    world.origin.stop();
    CHECK(world.mirror(world.url_of(hash), {hash}).status == 502);
    CHECK_FALSE(world.anything_stored());
}

TEST_CASE("a token that does not name the URL's hash is refused before anybody is asked") {
    MirrorWorld world;
    const auto hash = world.put("a picture");
    CHECK(world.mirror(world.url_of(hash), {sha256_hex("other")}).status == 403);
    CHECK(world.gateway.request("PUT", "/mirror", {}, Json{{"url", world.url_of(hash)}}.dump())
              .status == 401);
    CHECK(world.requests("PUT") == 0);
    CHECK(world.origin.seen().empty());
}

TEST_CASE("what is no mirror request is a 400 that says why") {
    MirrorWorld world;
    const auto ask = [&](const std::string& body) {
        return world.gateway.request("PUT", "/mirror",
                                     {{"Authorization", token({.xs = {sha256_hex("x")}})}}, body);
    };
    for (const char* body :
         {"", "{}", "[1]", R"({"url":5})", R"({"url":"nonsense"})",
          R"({"url":"ftp://a.example/x"})", R"({"url":"http://u:p@a.example/x"})"}) {
        CAPTURE(body);
        const auto response = ask(body);
        CHECK(response.status == 400);
        CHECK_FALSE(response.header("X-Reason").empty());
    }
    CHECK(ask(base::text(R"({"url":"http://a.example/)", std::string(9000, 'x'), "\"}")).status ==
          413);
    CHECK(world.gateway.request("GET", "/mirror").status == 405);
    CHECK(world.requests("PUT") == 0);
}

TEST_CASE(
    "a private address that nobody configured is not fetched from by us, by a redirect neither") {
    World world;
    FakeServer origin;
    const auto hash = origin.put_blob("a secret");
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.on(Op::mirror).status = 404; });
    const auto mirror = [&](const std::string& url) {
        return world.gateway.request("PUT", "/mirror", {{"Authorization", token({.xs = {hash}})}},
                                     Json{{"url", url}}.dump());
    };
    const auto refused = mirror(base::text(origin.url(), "/", hash));
    CHECK(refused.status == 502);
    CHECK(mirror(base::text("http://localhost:", origin.port(), "/", hash)).status == 502);
    CHECK(origin.seen().empty());
    CHECK_FALSE(world.anything_stored());
}

TEST_CASE("a URL of an upstream may be private: the operator has named it") {
    World world({.upstream_keys = {"", "", "    mode: source\n"}});
    const auto hash = world.three.put_blob("a picture", "image/png");
    for (FakeServer* server : {&world.one, &world.two})
        server->edit([](Script& script) { script.on(Op::mirror).status = 404; });
    const auto response = world.gateway.request(
        "PUT", "/mirror", {{"Authorization", token({.xs = {hash}})}},
        Json{{"url", base::text(world.three.url(), "/", hash, ".png")}}.dump());
    CHECK(response.status == 201);
    CHECK(world.wait_for([&] { return world.one.has_blob(hash) && world.two.has_blob(hash); }));
}

TEST_CASE("a URL that leads to this gateway is replaced by that of a replica") {
    World world;
    const auto hash = world.one.put_blob("a picture", "image/png");
    const auto mirror = [&](const std::string& url) {
        return world.gateway.request("PUT", "/mirror", {{"Authorization", token({.xs = {hash}})}},
                                     Json{{"url", url}}.dump());
    };
    CHECK(mirror(base::text(world.gateway.url(), "/", hash, ".png")).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    const auto seen = world.two.seen();
    const auto asked = std::ranges::find(seen, Op::mirror, &Seen::op);
    REQUIRE(asked != seen.end());
    CHECK(Json::parse(asked->body)["url"] == base::text(world.one.url(), "/", hash, ".png"));
    const auto unknown = world.gateway.request(
        "PUT", "/mirror", {{"Authorization", token({.xs = {sha256_hex("x")}})}},
        Json{{"url", base::text(world.gateway.url(), "/", sha256_hex("x"))}}.dump());
    CHECK(unknown.status == 502);
    CHECK(mirror(world.gateway.url() + "/health").status == 400);
}

TEST_CASE("below the quorum every server is named with what it said") {
    MirrorWorld world;
    const auto hash = world.put("a picture");
    world.refuse_mirrors(404);
    world.one.edit([](Script& script) { script.on(Op::upload).status = 413; });
    world.two.edit([](Script& script) { script.on(Op::upload).status = 413; });
    const auto response = world.mirror(world.url_of(hash), {hash});
    CHECK(response.status == 413);
    const auto said = Json::parse(response.body, nullptr, false);
    CHECK(said["upstreams"].size() == 3);
    CHECK(response.header("X-Upstream-Results").find(world.two.host() + "=413") !=
          std::string::npos);
}

TEST_CASE("a server that takes its time to mirror delays the reply no longer than the linger") {
    MirrorWorld world;
    const auto hash = world.put("a picture");
    world.three.edit([](Script& script) { script.on(Op::mirror).before_answer.hold = true; });
    const auto response = world.mirror(world.url_of(hash), {hash});
    CHECK(response.status == 201);
    CHECK(response.header("X-Upstream-Results").find(world.three.host() + "=pending") !=
          std::string::npos);
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 1);
    const auto operation = [&] {
        return Json::parse(world.gateway.request("GET", "/stats").body, nullptr, false)
            .at("operations")
            .at(0);
    };
    CHECK(operation()["status"] == 201);
    CHECK(operation()["over"] == false);
    world.three.edit([](Script& script) { script.on(Op::mirror).before_answer.hold = false; });
    // What it makes of it behind the reply is told as well.
    CHECK(world.wait_for([&] { return operation()["over"] == true; }));
    CHECK(world.wait_for([&] { return world.three.has_blob(hash); }));
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_replicas_pending") == 0; }));
}

TEST_CASE("a blob above the limit is not fetched to its end, with and without a length") {
    for (const auto framing : {Framing::length, Framing::chunks}) {
        MirrorWorld world({.server_keys = "  max_upload_size: 100000\n  verify_first_max: 1000\n"});
        const auto hash = world.put(some_bytes(400'000));
        world.origin.edit([&](Script& script) { script.framing = framing; });
        world.refuse_mirrors(404);
        CHECK(world.mirror(world.url_of(hash), {hash}).status == 413);
        CHECK_FALSE(world.anything_stored());
    }
}

}  // namespace espalier::test
