#include "support/fake_server.h"

#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "support/raw_client.h"

using namespace espalier::test;
using espalier::base::Headers;
using espalier::base::Milliseconds;
using Json = nlohmann::json;

namespace {

Response put(const FakeServer& server, const std::string& body, const Headers& headers = {}) {
    return http_request(server.port(), "PUT", "/upload", headers, body);
}

Response get(const FakeServer& server, const std::string& path, const Headers& headers = {}) {
    return http_request(server.port(), "GET", path, headers);
}

}  // namespace

TEST_CASE("what was uploaded can be read, whole and in part") {
    const FakeServer server;
    const auto bytes = make_bytes(200'000);
    const auto hash = sha256_hex(bytes);
    const auto stored = put(server, bytes, {{"Content-Type", "image/png"}});
    CHECK(stored.status == 201);
    const auto descriptor = Json::parse(stored.body);
    CHECK(descriptor["url"] == server.url() + "/" + hash + ".png");
    CHECK(descriptor["sha256"] == hash);
    CHECK(descriptor["size"] == 200'000);
    CHECK(put(server, bytes).status == 200);

    const auto whole = get(server, "/" + hash + ".png");
    CHECK(whole.status == 200);
    CHECK(whole.body == bytes);
    CHECK(whole.header("Content-Type") == "image/png");
    CHECK(whole.header("Access-Control-Allow-Origin") == "*");
    const auto part = get(server, "/" + hash, {{"Range", "bytes=10-19"}});
    CHECK(part.status == 206);
    CHECK(part.body == bytes.substr(10, 10));
    CHECK(part.header("Content-Range") == "bytes 10-19/200000");
    CHECK(get(server, "/" + hash, {{"Range", "bytes=-5"}}).body == bytes.substr(199'995));
    CHECK(get(server, "/" + hash, {{"Range", "bytes=200000-"}}).status == 416);
    CHECK(get(server, "/" + hash, {{"Range", "bytes=0-1,3-4"}}).status == 200);
}

TEST_CASE("HEAD tells the length and sends no body") {
    FakeServer server;
    const auto hash = server.put_blob("hello", "text/plain");
    const auto head = http_request(server.port(), "HEAD", "/" + hash);
    CHECK(head.status == 200);
    CHECK(head.header("Content-Length") == "5");
    CHECK(head.body.empty());
    CHECK(get(server, "/" + sha256_hex("other")).status == 404);
}

TEST_CASE("a chunked upload is stored like any other") {
    const FakeServer server;
    const auto bytes = make_bytes(100'000);
    CHECK(streaming_put(server.port(), bytes, {.chunked = true}).status == 201);
    CHECK(server.blob(sha256_hex(bytes)) == bytes);
}

TEST_CASE("a wrong X-SHA-256 is a conflict and stores nothing") {
    const FakeServer server;
    CHECK(put(server, "abc", {{"X-SHA-256", sha256_hex("xyz")}}).status == 409);
    CHECK(server.blobs() == 0);
}

TEST_CASE("one connection carries several requests") {
    FakeServer server;
    const auto hash = server.put_blob("hello");
    RawClient client(server.port());
    for (int i = 0; i < 3; ++i) {
        REQUIRE(client.send_head("GET", "/" + hash));
        CHECK(client.read_response().body == "hello");
    }
    const auto seen = server.seen();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].connection == seen[2].connection);
}

TEST_CASE("a mirror fetches from its origin and follows redirects") {
    FakeServer origin;
    FakeServer front;
    const FakeServer server;
    const auto hash = origin.put_blob("hello", "text/plain");
    front.put_blob("hello");
    front.edit([&](Script& s) { s.redirect_base = origin.url(); });
    const auto wish = Json{{"url", front.url() + "/" + hash}}.dump();
    const auto mirrored = http_request(server.port(), "PUT", "/mirror", {}, wish);
    CHECK(mirrored.status == 201);
    CHECK(server.blob(hash) == "hello");
    CHECK(origin.count("GET") == 1);
    const auto dead = Json{{"url", origin.url() + "/" + sha256_hex("none")}}.dump();
    CHECK(http_request(server.port(), "PUT", "/mirror", {}, dead).status == 502);
}

TEST_CASE("a list is newest first and goes on after its cursor") {
    FakeServer server;
    const std::string owner(64, 'a');
    const auto oldest = server.put_blob("1", "text/plain", owner, 100);
    const auto newest = server.put_blob("2", "text/plain", owner, 300);
    const auto middle = server.put_blob("3", "text/plain", owner, 200);
    server.put_blob("4", "text/plain", std::string(64, 'b'), 400);
    const auto all = Json::parse(get(server, "/list/" + owner).body);
    REQUIRE(all.size() == 3);
    CHECK(all[0]["sha256"] == newest);
    CHECK(all[2]["sha256"] == oldest);
    const auto rest = Json::parse(get(server, "/list/" + owner + "?limit=1&cursor=" + newest).body);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0]["sha256"] == middle);
    CHECK(get(server, "/list/xyz").status == 400);
    CHECK(get(server, "/list/" + std::string(64, 'c')).body == "[]");
}

TEST_CASE("a deleted blob is gone") {
    FakeServer server;
    const auto hash = server.put_blob("hello");
    CHECK(http_request(server.port(), "DELETE", "/" + hash).status == 200);
    CHECK_FALSE(server.has_blob(hash));
    CHECK(http_request(server.port(), "DELETE", "/" + hash).status == 404);
}

TEST_CASE("preflights are answered") {
    const FakeServer server;
    const auto answer = http_request(server.port(), "OPTIONS", "/upload");
    CHECK(answer.status == 204);
    CHECK(answer.header("Access-Control-Allow-Methods") == "GET, HEAD, PUT, DELETE");
}

TEST_CASE("a request is remembered with all that is known of it") {
    FakeServer server;
    put(server, "hello", {{"X-Mark", "1"}});
    const auto seen = server.seen();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].method == "PUT");
    CHECK(seen[0].path == "/upload");
    CHECK(seen[0].headers.value("X-Mark") == "1");
    CHECK(seen[0].content_length == 5);
    CHECK(seen[0].body_bytes_received == 5);
    CHECK(seen[0].body == "hello");
    CHECK(seen[0].body_complete);
    CHECK(seen[0].body_sha256 == sha256_hex("hello"));
    CHECK(seen[0].status == 201);
    CHECK(server.count("PUT", "/up") == 1);
    CHECK(server.count("GET") == 0);
    CHECK(server.complete_uploads() == 1);
    server.forget_seen();
    CHECK(server.seen().empty());
}

TEST_CASE("a stopped server refuses connections and comes back on its port with its blobs") {
    FakeServer server;
    const auto hash = server.put_blob("hello");
    const auto port = server.port();
    server.edit([](Script& s) { s.on(Op::get).before_answer.hold = true; });
    RawClient client(port);
    REQUIRE(client.send_head("GET", "/" + hash));
    REQUIRE(server.wait_for_requests("GET", "/"));
    server.stop();
    CHECK(client.wait_closed() == Io::broken);
    CHECK_FALSE(RawClient(port).connected());
    server.set_script({});
    server.restart();
    CHECK(server.port() == port);
    CHECK(get(server, "/" + hash).body == "hello");
}

TEST_CASE("many clients at once are served") {
    FakeServer server;
    const auto bytes = make_bytes(50'000);
    const auto hash = server.put_blob(bytes);
    constexpr std::size_t kClients = 20;
    std::vector<std::jthread> clients;
    clients.reserve(kClients);
    std::atomic<int> good{0};
    for (std::size_t i = 0; i < kClients; ++i)
        clients.emplace_back([&] { good += get(server, "/" + hash).body == bytes ? 1 : 0; });
    clients.clear();
    CHECK(good == kClients);
    CHECK(server.wait_for([&] { return server.open_connections() == 0; }));
}
