// A server that knows the gateway as its only user: the gateway signs for its own users there, and
// remembers whose blobs are whose.
#include <algorithm>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

constexpr std::uint8_t kService = 9;
constexpr std::uint8_t kUser = 1;
constexpr std::uint8_t kOther = 2;

// The third server admits the service key alone.
struct Club : World {
    explicit Club(const std::string& server_keys = {}, bool repairs = false)
        : World({.server_keys = base::text("  service_key: ", test_key(kService).nsec(),
                                           "\n  probe_interval: 100ms\n", server_keys),
                 .upstream_keys = {"", "", "    auth: service_key\n"},
                 .repairs = repairs}) {
        three.edit([&](Script& script) {
            script.auth.required = {Op::upload, Op::check, Op::mirror, Op::list, Op::remove};
            script.auth.pubkeys = {test_pubkey(kService)};
            script.auth.servers = {"127.0.0.1"};
            script.auth.verify = true;
            script.auth.require_x = true;
        });
    }

    Response put(std::string_view body, std::uint8_t user, base::Headers headers = {}) {
        headers.add("Authorization", token(test_key(user), {.xs = {sha256_hex(body)}}));
        headers.add("X-Min-Upstreams", "3");
        return gateway.put(body, std::move(headers));
    }
    Response remove(const std::string& hash, std::uint8_t user) {
        return gateway.request(
            "DELETE", "/" + hash,
            {{"Authorization", token(test_key(user), {.verb = "delete", .xs = {hash}})}});
    }
    // What the third server is said to have of this user's.
    std::vector<Json> at_third(std::uint8_t user) {
        std::vector<Json> items;
        const auto list = gateway.request("GET", "/list/" + test_pubkey(user)).body;
        for (const auto& item : Json::parse(list, nullptr, false))
            if (item.dump().find(three.host()) != std::string::npos) items.push_back(item);
        return items;
    }
};

}  // namespace

TEST_CASE("the gateway signs for its users, each for a blob and a server") {
    Club club;
    const auto stored = club.put("a picture", kUser, {{"Content-Type", "image/png"}});
    CHECK(stored.status == 201);
    const auto hash = sha256_hex("a picture");
    CHECK(club.everywhere(hash));
    CHECK(club.gateway
              .request("HEAD", "/upload",
                       {{"Authorization", token({.xs = {hash}})},
                        {"X-SHA-256", hash},
                        {"X-Content-Length", "9"},
                        {"X-Min-Upstreams", "3"}})
              .status == 200);

    const auto listed = club.at_third(kUser);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0]["sha256"] == hash);
    CHECK(listed[0]["size"] == 9);
    CHECK(listed[0]["type"] == "image/png");
    CHECK(club.three.count("GET", "/list") == 0);
    CHECK(club.at_third(kOther).empty());
    CHECK(club.gateway.log().find("Nostr ") == std::string::npos);

    club.gateway.restart(SIGKILL);
    CHECK(club.at_third(kUser).size() == 1);
    CHECK(club.remove(hash, kOther).status == 403);
    CHECK(club.three.has_blob(hash));
    CHECK(club.remove(hash, kUser).status == 204);
    CHECK_FALSE(club.three.has_blob(hash));
    CHECK(club.at_third(kUser).empty());
}

TEST_CASE("a body whose hash nobody promised is signed for when it is known") {
    Club club;
    const auto body = some_bytes(1'000'000);
    for (const bool chunked : {false, true}) {
        CAPTURE(chunked);
        const auto other = body + (chunked ? "a" : "b");
        base::Headers headers{{"Authorization", token({})}, {"X-Min-Upstreams", "3"}};
        const auto stored =
            streaming_put(club.gateway.port(), other, {.headers = headers, .chunked = chunked});
        CHECK(stored.status == 201);
        CHECK(club.three.has_blob(sha256_hex(other)));
    }
    CHECK(club.at_third(kUser).size() == 2);
}

TEST_CASE("what two users share stays until both have deleted it") {
    Club club;
    const auto hash = sha256_hex("shared");
    CHECK(club.put("shared", kUser).status == 201);
    CHECK(club.put("shared", kOther).status < 300);
    CHECK(club.remove(hash, kUser).status == 204);
    CHECK(club.three.has_blob(hash));
    CHECK(club.at_third(kUser).empty());
    CHECK(club.at_third(kOther).size() == 1);
    CHECK(club.remove(hash, kOther).status == 204);
    CHECK_FALSE(club.three.has_blob(hash));
    CHECK(club.at_third(kOther).empty());
}

TEST_CASE("who uploads what is there already shares it, also when it is not sent again") {
    Club club("  dedupe_put: skip\n");
    const auto hash = sha256_hex("shared");
    CHECK(club.put("shared", kUser).status == 201);
    CHECK(club.put("shared", kOther, {{"X-SHA-256", hash}}).status == 200);
    CHECK(club.three.complete_uploads() == 1);
    CHECK(club.remove(hash, kUser).status < 500);
    CHECK(club.three.has_blob(hash));
    CHECK(club.at_third(kOther).size() == 1);
}

TEST_CASE("mirrored blobs are its users', too") {
    Club club;
    const auto hash = club.one.put_blob("a picture", "image/png", test_pubkey(kUser));
    for (const bool mirrors : {true, false}) {
        CAPTURE(mirrors);
        if (!mirrors) club.three.edit([](Script& script) { script.on(Op::mirror).status = 404; });
        const auto body = base::text(R"({"url":")", club.one.url(), "/", hash, R"("})");
        CHECK(club.gateway
                  .request("PUT", "/mirror",
                           {{"Authorization", token({.xs = {hash}})}, {"X-Min-Upstreams", "3"}},
                           body)
                  .status < 300);
        CHECK(club.three.has_blob(hash));
        const auto listed = club.at_third(kUser);
        REQUIRE(listed.size() == 1);
        CHECK(listed[0]["size"] == 9);
        CHECK(club.remove(hash, kUser).status == 204);
        CHECK_FALSE(club.three.has_blob(hash));
        club.one.put_blob("a picture", "image/png", test_pubkey(kUser));
    }
}

TEST_CASE("what the server refuses is not listed, what it lacks is listed once it is there") {
    Club club("  repair_interval: 50ms\n", true);
    club.three.edit([](Script& script) { script.on(Op::upload).status = 413; });
    CHECK(club.gateway.put("refused").status == 201);
    // A moment later.
    CHECK(club.wait_for([&] { return club.at_third(kUser).empty(); }));
    club.three.edit([](Script& script) { script.on(Op::upload).status = 0; });
    club.three.stop();
    CHECK(club.gateway.put("late").status == 201);
    CHECK(club.at_third(kUser).empty());
    club.three.restart();
    CHECK(club.wait_for([&] { return club.three.has_blob(sha256_hex("late")); }));
    CHECK(club.wait_for([&] { return club.at_third(kUser).size() == 1; }));
    CHECK(club.remove(sha256_hex("late"), kUser).status == 204);
    CHECK_FALSE(club.three.has_blob(sha256_hex("late")));
}

TEST_CASE("the gateway signs for nobody whom it does not know") {
    Club club("  auth: {writes: forward}\n");
    const auto stored = club.gateway.request("PUT", "/upload", {}, "from nobody");
    CHECK(stored.status == 201);
    CHECK(club.three.count("PUT") == 0);
    club.three.put_blob("a picture", "", test_pubkey(kService));
    static_cast<void>(club.gateway.request("DELETE", "/" + sha256_hex("a picture")));
    CHECK(club.three.count("DELETE") == 0);
}

}  // namespace espalier::test
