#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "store_fixture.h"

using namespace espalier;
using test::check_refusal;
using test::json_of;
using test::sha256_hex;
using test::StoreFixture;

TEST_CASE("a new blob is 201 with its descriptor, a known one 200 with the same") {
    StoreFixture store;
    const auto first = store.upload("hello", {{"Content-Type", "text/plain"}});
    CHECK(first.status == 201);
    CHECK(first.header("Content-Type").starts_with("application/json"));
    CHECK(first.header("Access-Control-Allow-Origin") == "*");
    const auto json = json_of(first);
    const auto url = store.url() + "/" + sha256_hex("hello") + ".txt";
    CHECK(json["url"] == url);
    CHECK(json["sha256"] == sha256_hex("hello"));
    CHECK(json["size"] == 5);
    CHECK(json["type"] == "text/plain");
    CHECK(json["uploaded"] == store.now());
    CHECK(json["nip94"][0] == nlohmann::json{"url", url});

    store.clock.advance(base::Milliseconds(60'000));
    const auto again = store.upload("hello");
    CHECK(again.status == 200);
    CHECK(json_of(again) == json);
}

TEST_CASE("a type is guessed from the bytes when none is declared") {
    StoreFixture store;
    const auto png = json_of(store.upload(std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)));
    CHECK(png["type"] == "image/png");
    CHECK(std::string(png["url"]).ends_with(".png"));
    const auto unknown = json_of(store.upload("who knows"));
    CHECK(unknown["type"] == "application/octet-stream");
    CHECK(std::string(unknown["url"]).ends_with(".bin"));
    const auto nonsense = json_of(store.upload("what", {{"Content-Type", "what is this"}}));
    CHECK(nonsense["type"] == "application/octet-stream");
}

TEST_CASE("descriptors name base_url when there is one") {
    StoreFixture store({.base_url = "https://blobs.example/"});
    const auto json = json_of(store.upload("x"));
    CHECK(json["url"] == "https://blobs.example/" + sha256_hex("x") + ".bin");
}

TEST_CASE("an empty blob can be uploaded and read") {
    StoreFixture store;
    CHECK(store.upload("").status == 201);
    const auto read = store.ask("GET", "/" + sha256_hex(""));
    CHECK(read.status == 200);
    CHECK(read.body.empty());
}

TEST_CASE("a body that is not what X-SHA-256 promised is a conflict and leaves nothing") {
    StoreFixture store;
    check_refusal(store.upload("hello", {{"X-SHA-256", sha256_hex("other")}}), 409);
    CHECK(store.unfinished() == 0);
    CHECK(store.ask("GET", "/" + sha256_hex("hello")).status == 404);
    CHECK(store.upload("hello", {{"X-SHA-256", sha256_hex("hello")}}).status == 201);
}

TEST_CASE("a malformed X-SHA-256 is refused") {
    StoreFixture store;
    const auto upper = base::text("AB", sha256_hex("hello").substr(2));
    for (const auto& bad : {std::string("nonsense"), std::string(), upper, sha256_hex("x") + "0"}) {
        check_refusal(store.upload("hello", {{"X-SHA-256", bad}}), 400);
    }
}

TEST_CASE("a body without a length is refused with 411") {
    StoreFixture store;
    check_refusal(test::streaming_put(store.port, "hello", {.chunked = true}), 411);
    test::RawClient client(store.port);
    client.send("PUT /upload HTTP/1.1\r\nHost: x\r\n\r\n");
    check_refusal(client.read_response(), 411);
}

TEST_CASE("a blob over the limit is refused before it is read, one at the limit is not") {
    StoreFixture store({.max_upload_bytes = 1000});
    CHECK(store.upload(std::string(1000, 'x')).status == 201);
    check_refusal(store.upload(std::string(1001, 'x')), 413);
    test::RawClient client(store.port);
    client.send_head("PUT", "/upload", {{"Content-Length", "99999999999"}});
    check_refusal(client.read_response(), 413);
}

TEST_CASE("an upload that is broken off is not stored") {
    StoreFixture store;
    for (const auto abort : {test::PutPlan::Abort::reset, test::PutPlan::Abort::close}) {
        const std::string body(500'000, 'a');
        test::streaming_put(store.port, body, {.abort_at = 400'000, .abort = abort});
        CHECK(store.ask("GET", "/" + sha256_hex(body)).status == 404);
        CHECK(store.ask("GET", "/" + sha256_hex(body.substr(0, 400'000))).status == 404);
    }
    // When the server has stopped, nobody can be writing any more.
    store.serving->stop(base::Deadline::after(base::Milliseconds(5000)));
    CHECK(store.unfinished() == 0);
}

TEST_CASE("a large blob survives the way there and back") {
    StoreFixture store;
    std::string body(std::size_t{9} * 1024 * 1024 + 17, '\0');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = static_cast<char>(i * 2654435761U >> 13);
    CHECK(store.upload(body).status == 201);
    CHECK(store.ask("GET", "/" + sha256_hex(body)).body == body);
}

TEST_CASE("many uploads of the same blob at once: one is 201, the others 200") {
    StoreFixture store;
    const std::string body(200'000, 'z');
    std::atomic<int> created{0};
    std::atomic<int> known{0};
    {
        std::vector<std::jthread> clients;
        clients.reserve(16);
        for (int i = 0; i < 8; ++i) {
            clients.emplace_back([&] {
                const auto status = store.upload(body).status;
                created += status == 201 ? 1 : 0;
                known += status == 200 ? 1 : 0;
            });
        }
    }
    CHECK(created == 1);
    CHECK(known == 7);
    CHECK(store.unfinished() == 0);
}

TEST_CASE("upload_rate_max slows a store down") {
    StoreFixture store({.upload_rate_max = 400'000});
    const auto start = base::Steady::now();
    CHECK(store.upload(std::string(100'000, 'x')).status == 201);
    // A least time: a busy machine can only make it longer.
    CHECK(base::Steady::now() - start >= base::Milliseconds(240));
}

TEST_CASE("the preflight HEAD /upload says what a PUT would") {
    StoreFixture store({.max_upload_bytes = 1000});
    const base::Header hash{"X-SHA-256", sha256_hex("x")};
    const base::Header type{"X-Content-Type", "text/plain"};
    CHECK(store.ask("HEAD", "/upload", {hash, type, {"X-Content-Length", "1000"}}).status == 200);
    check_refusal(store.ask("HEAD", "/upload", {hash, type, {"X-Content-Length", "1001"}}), 413);
    check_refusal(store.ask("HEAD", "/upload", {hash, type}), 411);
    check_refusal(store.ask("HEAD", "/upload", {hash, type, {"X-Content-Length", "1e3"}}), 400);
    check_refusal(store.ask("HEAD", "/upload", {{"X-SHA-256", "xyz"}, {"X-Content-Length", "1"}}),
                  400);
}

TEST_CASE("where signing is required, the preflight says 401 to a client without a token") {
    StoreFixture store({.require_auth = true});
    const base::Headers unsigned_one{{"X-SHA-256", sha256_hex("x")}, {"X-Content-Length", "1"}};
    check_refusal(store.ask("HEAD", "/upload", unsigned_one), 401);
    auto signed_one = unsigned_one;
    signed_one.add("Authorization", store.sign("upload", sha256_hex("x")));
    CHECK(store.ask("HEAD", "/upload", signed_one).status == 200);
}

TEST_CASE("where signing is required, only a proper token uploads") {
    StoreFixture store({.require_auth = true});
    const auto hash = sha256_hex("hello");
    check_refusal(store.upload("hello"), 401);
    const auto with = [&](const test::TokenSpec& spec) {
        return store.upload("hello", {{"Authorization", test::token(spec)}});
    };
    const auto then = store.now() - 1;
    check_refusal(with({.xs = {hash}, .created_at = then, .fault = test::Fault::signature}), 401);
    check_refusal(with({.xs = {hash}, .created_at = then, .fault = test::Fault::base64}), 401);
    check_refusal(with({.xs = {hash}, .created_at = then - 7200}), 401);  // expired
    check_refusal(with({.xs = {hash}, .servers = {"other.example"}, .created_at = then}), 401);
    check_refusal(with({.verb = "delete", .xs = {hash}, .created_at = then}), 403);
    check_refusal(with({.xs = {sha256_hex("other")}, .created_at = then}), 403);
    CHECK(store.ask("GET", "/" + hash).status == 404);
    CHECK(store.unfinished() == 0);
    CHECK(with({.xs = {hash}, .servers = {"127.0.0.1"}, .created_at = then}).status == 201);
}

TEST_CASE("a token for another blob is refused even when X-SHA-256 hides it no longer") {
    StoreFixture store({.require_auth = true});
    const auto other = store.sign("upload", sha256_hex("other"));
    check_refusal(
        store.upload("hello", {{"Authorization", other}, {"X-SHA-256", sha256_hex("hello")}}), 403);
    check_refusal(
        store.upload("hello", {{"Authorization", other}, {"X-SHA-256", sha256_hex("other")}}), 409);
}

TEST_CASE("only those who are allowed may upload") {
    store::Options options{.require_auth = true};
    options.auth.allowed = {test::test_key(2).public_key()};
    StoreFixture store(std::move(options));
    check_refusal(store.signed_upload("hello", 1), 403);
    CHECK(store.signed_upload("hello", 2).status == 201);
}

TEST_CASE("a bad token is refused even where nobody has to sign") {
    StoreFixture store;
    check_refusal(store.upload("hello", {{"Authorization", "Nostr AAAA"}}), 401);
    CHECK(store.signed_upload("hello").status == 201);
}
