// PUT and HEAD /media: one server makes another blob of what it gets.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

const std::string kPicture = "a picture";

std::string media_token(const std::string& hash) {
    return token({.verb = "media", .xs = {hash}});
}

Response put_media(const World& world, const std::string& body, base::Headers headers = {}) {
    if (!headers.has("Authorization")) headers.add("Authorization", media_token(sha256_hex(body)));
    headers.add("Content-Type", "image/png");
    return world.gateway.request("PUT", "/media", headers, body);
}

Response ask_media(const World& world, const std::string& body) {
    return world.gateway.request("HEAD", "/media",
                                 {{"Authorization", media_token(sha256_hex(body))},
                                  {"X-SHA-256", sha256_hex(body)},
                                  {"X-Content-Length", std::to_string(body.size())},
                                  {"X-Content-Type", "image/png"}});
}

void let_make(FakeServer& server) {
    server.edit([](Script& script) { script.has_media = true; });
}

}  // namespace

TEST_CASE("one server that can gets the body, and the answer names what it made of it") {
    World world;
    for (FakeServer* server : world.servers()) let_make(*server);
    const auto reply = put_media(world, kPicture);
    CHECK(reply.status == 201);
    const auto made = sha256_hex(kPicture + " transformed");
    const auto descriptor = Json::parse(reply.body);
    CHECK(descriptor["sha256"] == made);
    CHECK(descriptor["size"] == kPicture.size() + 12);
    CHECK(descriptor["type"] == "image/png");
    CHECK(descriptor["url"] == base::text(world.one.url(), '/', made, ".png"));
    CHECK(descriptor["nip94"].is_array());
    CHECK(world.one.has_blob(made));
    CHECK(world.requests("PUT", "/media") == 1);
    CHECK(world.two.blobs() + world.three.blobs() == 0);
    // It is read like any other.
    CHECK(world.gateway.get(made).header("Location").starts_with(world.one.url()));
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 0);
}

TEST_CASE("of whom nothing is known is asked first, and remembered") {
    World world;
    let_make(world.three);
    for (const auto* body : {"a picture", "another picture"})
        CHECK(put_media(world, body).status == 201);
    CHECK(world.three.count("PUT", "/media") == 2);
    CHECK(world.requests("HEAD", "/media") == 3);
    // It has the endpoint no more.
    world.three.edit([](Script& script) { script.has_media = false; });
    CHECK(put_media(world, kPicture).status == 404);
    CHECK(put_media(world, kPicture).status == 404);
    CHECK(world.three.count("PUT", "/media") == 3);
}

TEST_CASE("where nobody makes media the client is told to use /upload") {
    World world;
    for (int i = 0; i < 2; ++i) {
        const auto reply = put_media(world, kPicture);
        CHECK(reply.status == 404);
        CHECK(reply.header("X-Reason").find("/media") != std::string::npos);
        CHECK(reply.header("Location").empty());
    }
    CHECK(world.requests("PUT", "/media") == 0);
    CHECK(ask_media(world, kPicture).status == 404);
}

TEST_CASE("a media token is checked in full, and no server sees the end of a body that differs") {
    World world;
    let_make(world.one);
    const auto upload_token = token({.xs = {sha256_hex(kPicture)}});
    CHECK(put_media(world, kPicture, {{"Authorization", upload_token}}).status >= 401);
    const auto large = some_bytes(1'000'000);
    CHECK(put_media(world, large, {{"Authorization", media_token(sha256_hex(kPicture))}}).status >=
          400);
    CHECK(put_media(world, large,
                    {{"Authorization", media_token(sha256_hex(large))},
                     {"X-SHA-256", sha256_hex(kPicture)}})
              .status >= 400);
    CHECK(put_media(world, "", {{"Authorization", ""}}).status == 401);
    CHECK_FALSE(world.anything_stored());
    CHECK(put_media(world, large).status == 201);
}

TEST_CASE("the server's own refusal is passed on, and its fault is told") {
    World world;
    let_make(world.one);
    world.one.edit([](Script& script) {
        script.on(Op::media).status = 415;
        script.on(Op::media).headers.set("X-Reason", "no pictures here");
    });
    const auto refused = put_media(world, kPicture);
    CHECK(refused.status == 415);
    CHECK(refused.body.find("no pictures here") != std::string::npos);
    world.one.edit([](Script& script) { script.on(Op::media).status = 500; });
    CHECK(put_media(world, kPicture).status == 502);
    world.one.edit([](Script& script) {
        script.on(Op::media).status = 0;
        script.hook = [](const Seen& seen) -> std::optional<Answer> {
            if (seen.op != Op::media) return std::nullopt;
            return Answer{.status = 201, .body = R"({"url":"x"})"};
        };
    });
    CHECK(put_media(world, kPicture).status == 502);
}

TEST_CASE("HEAD /media asks one server that can") {
    World world;
    for (FakeServer* server : world.servers()) let_make(*server);
    CHECK(ask_media(world, kPicture).status == 200);
    const auto asked = world.requests("HEAD", "/media");
    CHECK(ask_media(world, kPicture).status == 200);
    CHECK(world.requests("HEAD", "/media") == asked + 1);
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.on(Op::check_media).status = 413; });
    CHECK(ask_media(world, kPicture).status == 413);
}

}  // namespace espalier::test
