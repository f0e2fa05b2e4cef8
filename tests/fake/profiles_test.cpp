#include "support/profiles.h"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "support/fake_server.h"
#include "support/raw_client.h"
#include "support/token.h"

using namespace espalier::test;
using espalier::base::Headers;
using espalier::protocol::TokenEncoding;
using Json = nlohmann::json;

namespace {

// A server of one profile, and a client with a fresh token for each request.
struct Fixture {
    explicit Fixture(std::string_view name) { server.set_script(*profile(name, server.url())); }

    Response put(const std::string& body, TokenSpec spec = {}, Headers headers = {}) {
        if (spec.xs.empty()) spec.xs = {sha256_hex(body)};
        headers.add("Authorization", token(spec));
        headers.add("X-SHA-256", sha256_hex(body));
        return http_request(server.port(), "PUT", "/upload", headers, body);
    }
    Response head(const std::string& path, const Headers& headers = {}) {
        return http_request(server.port(), "HEAD", path, headers);
    }
    Response get(const std::string& path, const Headers& headers = {}) {
        return http_request(server.port(), "GET", path, headers);
    }
    Response remove(const std::string& hash, std::uint8_t key) {
        const TokenSpec spec{.verb = "delete", .xs = {hash}};
        return http_request(server.port(), "DELETE", "/" + hash,
                            {{"Authorization", token(test_key(key), spec)}});
    }

    FakeServer server;
};

std::int64_t seconds_ago(std::int64_t seconds) {
    return espalier::base::SystemClock().unix_now() - seconds;
}

}  // namespace

TEST_CASE("every profile takes a good upload with a token and gives it back") {
    for (const auto name : profile_names()) {
        CAPTURE(name);
        Fixture f(name);
        const auto bytes = make_bytes(5000);
        const auto stored = f.put(bytes);
        CHECK((stored.status == 200 || stored.status == 201));
        CHECK(Json::parse(stored.body)["sha256"] == sha256_hex(bytes));
        CHECK(f.get("/" + sha256_hex(bytes)).body == bytes);
        CHECK(f.server.put_blob("x", "text/plain", test_pubkey()).size() == 64);
    }
    CHECK_FALSE(profile("nobody", ""));
}

TEST_CASE("every profile but plain refuses an upload without a token or with a bad one") {
    for (const auto name : profile_names()) {
        if (name == "plain") continue;
        CAPTURE(name);
        Fixture f(name);
        CHECK(http_request(f.server.port(), "PUT", "/upload", {{"X-SHA-256", sha256_hex("a")}}, "a")
                  .status == 401);
        for (const auto fault :
             {Fault::id, Fault::signature, Fault::pubkey, Fault::json, Fault::base64, Fault::scheme,
              Fault::no_expiration, Fault::no_verb, Fault::duplicate_key}) {
            CAPTURE(static_cast<int>(fault));
            TokenSpec spec;
            spec.fault = fault;
            CHECK(f.put("a", spec).status >= 400);
        }
        TokenSpec expired;
        expired.created_at = seconds_ago(100);
        expired.expiration = seconds_ago(10);
        CHECK(f.put("a", expired).status >= 400);
        CHECK(f.server.blobs() == 0);
    }
}

TEST_CASE("reference6 answers a known blob before it is read") {
    Fixture f("reference6");
    f.put("hello");
    RawClient client(f.server.port());
    REQUIRE(client.send_head("PUT", "/upload",
                             {{"X-SHA-256", sha256_hex("hello")},
                              {"Content-Length", "5"},
                              {"Authorization", token({.xs = {sha256_hex("hello")}})}}));
    CHECK(client.read_response().status == 200);
}

TEST_CASE("reference6 wants lengths, good tokens on reads, and mirrors nothing private") {
    Fixture f("reference6");
    const auto hash = f.server.put_blob("hello");
    const Headers upload = {{"Authorization", token(TokenSpec{})}};
    const PutPlan chunked{.headers = upload, .chunked = true};
    CHECK(streaming_put(f.server.port(), "a", chunked).status == 411);
    CHECK(f.head("/upload").status == 204);
    CHECK(f.get("/" + hash).status == 200);
    CHECK(f.get("/" + hash, {{"Authorization", "Nostr nonsense"}}).status == 400);
    CHECK(f.get("/" + hash, upload).status == 403);
    const auto wish = Json{{"url", f.server.url() + "/" + hash}}.dump();
    CHECK(http_request(f.server.port(), "PUT", "/mirror", upload, wish).status == 400);
}

TEST_CASE("reference4 takes a token once and lies about strangers' deletes") {
    Fixture f("reference4");
    TokenSpec spec;
    spec.created_at = seconds_ago(5);
    const auto first = f.put("hello", spec, {{"Content-Type", "text/plain"}});
    CHECK(Json::parse(first.body)["size"] == 0);
    CHECK(Json::parse(first.body)["type"] == "application/octet-stream");
    const auto second = f.put("hello", spec);
    CHECK(second.status == 400);
    CHECK(second.header("X-Reason") == "Auth event already used");

    const auto hash = sha256_hex("hello");
    CHECK(f.remove(hash, 2).status == 200);
    CHECK(f.server.has_blob(hash));
    CHECK(f.remove(hash, 1).status == 200);
    CHECK_FALSE(f.server.has_blob(hash));
}

TEST_CASE("khatru reads standard base64 only and breaks on a missing blob") {
    Fixture f("khatru");
    TokenSpec spec;
    spec.xs = {sha256_hex("hello")};
    spec.created_at = seconds_ago(1);
    spec.encoding = TokenEncoding::url;
    // Only a token that needs padding shows whether it was left out.
    while (token_json(test_key(), spec).size() % 3 == 0) spec.content += "!";
    CHECK(f.put("hello", spec).status == 404);
    CHECK(f.remove(f.server.put_blob("hello", "text/plain", test_pubkey()), 1).status == 200);
    CHECK(f.get("/" + sha256_hex("other")).status == 500);
}

TEST_CASE("route96 wants young tokens and its own URL, and cuts open ranges") {
    Fixture f("route96");
    TokenSpec old;
    old.created_at = seconds_ago(200);
    CHECK(f.put("hello", old).status == 400);
    TokenSpec bare;
    bare.servers = {"127.0.0.1"};
    CHECK(f.put("hello", bare).status == 401);
    bare.servers = {f.server.url()};
    CHECK(f.put("hello", bare).status == 200);

    const auto bytes = make_bytes(std::size_t{9} << 20U);
    const auto hash = f.server.put_blob(bytes);
    const auto part = f.get("/" + hash, {{"Range", "bytes=100-"}});
    CHECK(part.status == 206);
    CHECK(part.body.size() == std::size_t{8} << 20U);
    CHECK(f.get("/list/" + test_pubkey()).status == 401);
}

TEST_CASE("nostrcheck says 200 to HEAD of a missing blob, with a reason") {
    Fixture f("nostrcheck");
    const auto head = f.head("/" + sha256_hex("other"));
    CHECK(head.status == 200);
    CHECK(head.header("X-Reason") == "File not found");
    CHECK(f.get("/" + sha256_hex("other")).status == 404);
}
