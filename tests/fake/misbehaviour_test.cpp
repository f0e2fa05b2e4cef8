#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "support/fake_server.h"
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

// An upload that has sent its head and `sent`, of `length` bytes.
void begin_upload(RawClient& client, std::size_t length, std::string_view sent) {
    REQUIRE(client.send_head("PUT", "/upload", {{"Content-Length", std::to_string(length)}}));
    REQUIRE(client.send(sent));
}

Script with(const std::function<void(Script&)>& change) {
    Script script;
    change(script);
    return script;
}

}  // namespace

TEST_CASE("a held answer comes when the script lets go") {
    FakeServer server(with([](Script& s) { s.on(Op::upload).before_answer.hold = true; }));
    RawClient client(server.port());
    begin_upload(client, 3, "abc");
    REQUIRE(server.wait_for([&] { return server.complete_uploads() == 1; }));
    CHECK_FALSE(server.seen()[0].answered);
    CHECK_FALSE(server.has_blob(sha256_hex("abc")));
    server.set_script({});
    CHECK(client.read_response().status == 201);
}

TEST_CASE("a held body is not read at all") {
    FakeServer server(with([](Script& s) {
        s.on(Op::upload).before_body.hold = true;
        s.receive_buffer = 16384;
    }));
    const auto bytes = make_bytes(std::size_t{16} << 20U);
    RawClient client(server.port());
    begin_upload(client, bytes.size(), "");
    CHECK(client.send_until_stuck(bytes, Milliseconds(200)) < bytes.size());
    CHECK(server.seen()[0].body_bytes_received == 0);
}

TEST_CASE("a stalled upload goes on after a new script") {
    FakeServer server(with([](Script& s) { s.stall_upload_at = 100'000; }));
    const auto bytes = make_bytes(300'000);
    RawClient client(server.port());
    REQUIRE(client.send_head("PUT", "/upload", {{"Content-Length", "300000"}}));
    std::jthread sender([&] { client.send(bytes); });
    REQUIRE(server.wait_for([&] {
        return server.count("PUT") == 1 && server.seen()[0].body_bytes_received == 100'000;
    }));
    server.set_script({});
    sender.join();
    CHECK(client.read_response().status == 201);
}

TEST_CASE("a slow reader is felt by the sender") {
    FakeServer server(with([](Script& s) { s.read_rate = 1000; }));
    const auto bytes = make_bytes(std::size_t{16} << 20U);
    RawClient client(server.port());
    begin_upload(client, bytes.size(), "");
    CHECK(client.send_until_stuck(bytes, Milliseconds(200)) < bytes.size());
    client.reset();
    CHECK(server.wait_for([&] { return server.seen()[0].gone; }));
    CHECK(server.blobs() == 0);
}

TEST_CASE("a slow writer sends bit by bit") {
    FakeServer server(with([](Script& s) { s.write_rate = 100; }));
    const auto hash = server.put_blob(make_bytes(100'000));
    RawClient client(server.port());
    REQUIRE(client.send_head("GET", "/" + hash));
    REQUIRE(client.read_head());
    CHECK_FALSE(client.read_some(1000).empty());
    CHECK(server.seen()[0].answer_bytes_sent < 100'000);
    server.set_script({});
    std::size_t got = 0;
    while (got < 99'000) {
        const auto piece = client.read_some(65536);
        REQUIRE_FALSE(piece.empty());
        got += piece.size();
    }
}

TEST_CASE("an upload can be refused before it is read") {
    for (const auto after : {After::linger, After::drain}) {
        FakeServer server(with(
            [&](Script& s) { s.refuse_upload = Refusal{.at = 0, .status = 413, .after = after}; }));
        CHECK(put(server, make_bytes(5'000'000)).status == 413);
        CHECK(server.blobs() == 0);
    }
}

TEST_CASE("an upload can be refused at a byte") {
    FakeServer server(with([](Script& s) {
        s.refuse_upload = Refusal{
            .at = 70'000, .status = 507, .headers = {{"X-Reason", "full"}}, .after = After::linger};
    }));
    RawClient client(server.port());
    begin_upload(client, 100'000, make_bytes(60'000));
    REQUIRE(server.wait_for([&] {
        return server.count("PUT") == 1 && server.seen()[0].body_bytes_received == 60'000;
    }));
    CHECK_FALSE(server.seen()[0].answered);
    REQUIRE(client.send(make_bytes(10'000)));
    const auto answer = client.read_response();
    CHECK(answer.status == 507);
    CHECK(answer.header("X-Reason") == "full");
}

TEST_CASE("a drained refusal keeps the connection") {
    FakeServer server(with([](Script& s) {
        s.refuse_upload = Refusal{.at = 0, .status = 403, .after = After::drain};
    }));
    RawClient client(server.port());
    begin_upload(client, 5, "hello");
    CHECK(client.read_response().status == 403);
    REQUIRE(client.send_head("GET", "/nothing"));
    CHECK(client.read_response().status == 404);
}

TEST_CASE("a refusal may be followed by a reset") {
    FakeServer server(with([](Script& s) {
        s.refuse_upload = Refusal{.at = 0, .status = 403, .after = After::reset};
    }));
    RawClient client(server.port());
    begin_upload(client, 100, "hello");
    CHECK(client.wait_closed() == Io::broken);
}

TEST_CASE("a connection is cut in the middle of an upload") {
    FakeServer server(with([](Script& s) { s.cut_upload = CutAt{1000, Cut::rst}; }));
    RawClient client(server.port());
    begin_upload(client, 100'000, make_bytes(2000));
    CHECK(client.wait_closed() == Io::broken);
    CHECK(server.seen()[0].body_bytes_received == 1000);
}

TEST_CASE("a connection is cut instead of an answer") {
    FakeServer server(with([](Script& s) { s.on(Op::upload).cut = Cut::fin; }));
    RawClient client(server.port());
    begin_upload(client, 3, "abc");
    CHECK(client.wait_closed() == Io::closed);
    CHECK(server.blobs() == 0);
}

TEST_CASE("an answer is cut in the middle") {
    FakeServer server(with([](Script& s) { s.cut_answer = CutAt{1000, Cut::fin}; }));
    const auto hash = server.put_blob(make_bytes(5000));
    const auto answer = get(server, "/" + hash);
    CHECK(answer.status == 200);
    CHECK(answer.body.size() == 1000);
    CHECK_FALSE(answer.complete);
}

TEST_CASE("an answer stalls until a new script") {
    FakeServer server(with([](Script& s) { s.stall_answer_at = 1000; }));
    const auto bytes = make_bytes(5000);
    RawClient client(server.port());
    REQUIRE(client.send_head("GET", "/" + server.put_blob(bytes)));
    REQUIRE(server.wait_for(
        [&] { return server.count("GET") == 1 && server.seen()[0].answer_bytes_sent == 1000; }));
    server.set_script({});
    CHECK(client.read_response().body == bytes);
}

TEST_CASE("descriptors lie as told") {
    FakeServer server(with([](Script& s) {
        s.wrong_sha256 = true;
        s.descriptor_size = 7;
        s.descriptor_type = "text/html";
    }));
    const auto descriptor = Json::parse(put(server, "hello").body);
    CHECK(descriptor["sha256"] != sha256_hex("hello"));
    CHECK(descriptor["size"] == 7);
    CHECK(descriptor["type"] == "text/html");
}

TEST_CASE("one wrong byte is served") {
    FakeServer server(with([](Script& s) { s.wrong_byte = 2; }));
    const auto hash = server.put_blob("hello");
    CHECK(get(server, "/" + hash).body == "hemlo");
    CHECK(get(server, "/" + hash, {{"Range", "bytes=0-1"}}).body == "he");
}

TEST_CASE("answers come in any framing, with or without CORS") {
    for (const auto framing : {Framing::chunks, Framing::until_close}) {
        FakeServer server(with([&](Script& s) {
            s.framing = framing;
            s.allow_origin = false;
        }));
        const auto bytes = make_bytes(100'000);
        const auto answer = get(server, "/" + server.put_blob(bytes));
        CHECK(answer.body == bytes);
        CHECK(answer.complete);
        CHECK_FALSE(answer.headers.has("Content-Length"));
        CHECK_FALSE(answer.headers.has("Access-Control-Allow-Origin"));
    }
}

TEST_CASE("a status by script leaves everything undone, as often as it says") {
    FakeServer server(with([](Script& s) {
        s.on(Op::upload).status = 503;
        s.on(Op::upload).headers = {{"Retry-After", "7"}};
        s.on(Op::upload).times = 2;
    }));
    CHECK(put(server, "a").status == 503);
    CHECK(put(server, "a").header("Retry-After") == "7");
    CHECK(server.blobs() == 0);
    CHECK(put(server, "a").status == 201);
}

TEST_CASE("an early status comes before the body") {
    FakeServer server(with([](Script& s) {
        s.on(Op::upload).status = 307;
        s.on(Op::upload).early = true;
        s.on(Op::upload).headers = {{"Location", "http://example.com/upload"}};
    }));
    RawClient client(server.port());
    begin_upload(client, 1000, "");
    const auto answer = client.read_response();
    CHECK(answer.status == 307);
    CHECK(answer.header("Location") == "http://example.com/upload");
}

TEST_CASE("a hook answers by hand") {
    FakeServer server(with([](Script& s) {
        s.hook = [](const Seen& seen) -> std::optional<Answer> {
            if (seen.op != Op::list) return std::nullopt;
            Answer answer;
            answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
            return answer;
        };
    }));
    CHECK(get(server, "/list/anything").body == "[]");
    CHECK(get(server, "/anything").status == 404);
}

TEST_CASE("more uploads than allowed at once are told to come back") {
    FakeServer server(with([](Script& s) {
        s.uploads_max = 1;
        s.on(Op::upload).before_answer.hold = true;
    }));
    RawClient first(server.port());
    begin_upload(first, 3, "abc");
    REQUIRE(server.wait_for([&] { return server.complete_uploads() == 1; }));
    const auto second = put(server, "xyz");
    CHECK(second.status == 503);
    CHECK(second.headers.has("Retry-After"));
    server.edit([](Script& s) { s.on(Op::upload).before_answer.hold = false; });
    CHECK(first.read_response().status == 201);
}

TEST_CASE("size, type and price are checked before the body is read") {
    FakeServer server(with([](Script& s) {
        s.upload_bytes_max = 1000;
        s.free_bytes_max = 100;
        s.types = {"image/png"};
    }));
    CHECK(put(server, make_bytes(1001), {{"Content-Type", "image/png"}}).status == 413);
    CHECK(put(server, "a", {{"Content-Type", "text/plain"}}).status == 415);
    const auto priced = put(server, make_bytes(101), {{"Content-Type", "image/png"}});
    CHECK(priced.status == 402);
    CHECK(priced.headers.has("X-Cashu"));
    const Headers paid = {{"Content-Type", "image/png"}, {"X-Cashu", "proof"}};
    CHECK(put(server, make_bytes(101), paid).status == 201);
}

TEST_CASE("a new blob may stay hidden for some lookups") {
    FakeServer server(with([](Script& s) { s.lookups_hidden = 1; }));
    put(server, "hello");
    const auto path = "/" + sha256_hex("hello");
    CHECK(http_request(server.port(), "HEAD", path).status == 404);
    CHECK(http_request(server.port(), "HEAD", path).status == 200);
}

TEST_CASE("an aborted upload stores nothing") {
    for (const auto abort : {PutPlan::Abort::reset, PutPlan::Abort::close}) {
        FakeServer server;
        const auto bytes = make_bytes(500'000);
        const PutPlan plan{.abort_at = 250'000, .abort = abort};
        CHECK(streaming_put(server.port(), bytes, plan).status == 0);
        REQUIRE(server.wait_for([&] { return server.count("PUT") == 1 && server.seen()[0].gone; }));
        CHECK(server.complete_uploads() == 0);
        CHECK(server.blobs() == 0);
    }
}

TEST_CASE("a paced upload arrives whole") {
    const FakeServer server;
    const auto bytes = make_bytes(20'000);
    const PutPlan plan{.bytes_per_second = 200'000};
    CHECK(streaming_put(server.port(), bytes, plan).status == 201);
}

TEST_CASE("a large blob may be hashed without being kept") {
    FakeServer server(with([](Script& s) { s.keep_bytes_max = 1000; }));
    const auto bytes = make_bytes(100'000);
    CHECK(put(server, bytes).status == 201);
    CHECK(server.has_blob(sha256_hex(bytes)));
    CHECK(server.blob(sha256_hex(bytes)).empty());
}
