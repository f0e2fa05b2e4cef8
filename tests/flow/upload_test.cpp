#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"
#include "ledger/ledger.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

Json json_of(const Response& response) {
    return Json::parse(response.body, nullptr, false);
}

std::size_t reasons(const Response& response) {
    return response.header("X-Reason").size();
}

}  // namespace

TEST_CASE("an upload reaches all three servers and the descriptor names every replica") {
    World world;
    const auto body = some_bytes(300'000);
    const auto hash = sha256_hex(body);
    const auto response = world.gateway.put(body, {{"Content-Type", "image/png"}});
    REQUIRE(response.status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    const auto descriptor = json_of(response);
    CHECK(descriptor["sha256"] == hash);
    CHECK(descriptor["size"] == body.size());
    CHECK(descriptor["type"] == "image/png");
    CHECK(descriptor["url"].get<std::string>().ends_with("/" + hash + ".png"));
    std::size_t urls = 0;
    for (const auto& tag : descriptor["nip94"]) urls += tag[0] == "url" ? 1U : 0U;
    CHECK(urls == 3);
    CHECK(response.header("X-Upstream-Results").find(world.two.host() + "=201") !=
          std::string::npos);
    CHECK(response.header("Access-Control-Allow-Origin") == "*");
}

TEST_CASE("a body that is known everywhere is answered with 200") {
    World world;
    const auto body = some_bytes(1000);
    for (FakeServer* server : world.servers()) server->put_blob(body);
    CHECK(world.gateway.put(body).status == 200);
}

TEST_CASE("empty, tiny and chunked bodies arrive whole") {
    World world;
    for (const std::size_t size : {0UL, 1UL, 2UL, 300'000UL}) {
        const auto body = some_bytes(size, 7);
        CAPTURE(size);
        CHECK(world.gateway.put(body).status == 201);
        CHECK(world.wait_for([&] { return world.everywhere(sha256_hex(body)); }));
    }
    const auto body = some_bytes(700'000, 8);
    const auto response = streaming_put(
        world.gateway.port(), body,
        {.headers = {{"Authorization", token({.xs = {sha256_hex(body)}})}}, .chunked = true});
    CHECK(response.status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex(body)); }));
    for (const Seen& seen : world.one.seen())
        if (seen.op == Op::upload) CHECK(seen.content_length.has_value());
}

TEST_CASE("the bytes are stored as they came, whatever Content-Encoding they claim") {
    World world;
    const auto body = some_bytes(5000);
    CHECK(world.gateway.put(body, {{"Content-Encoding", "gzip"}}).status == 201);
    CHECK(world.wait_for([&] { return world.one.blob(sha256_hex(body)) == body; }));
}

TEST_CASE("quorum 2 of 3 is met by exactly two servers, not by one") {
    World world;
    const auto body = some_bytes(400'000);
    world.three.edit([](Script& script) {
        script.on(Op::upload) = {.status = 500, .headers = {{"X-Reason", "disk on fire"}}};
    });
    const auto met = world.gateway.put(body);
    CHECK(met.status == 201);
    world.two.edit([](Script& script) { script.on(Op::upload) = {.status = 500}; });
    const auto other = some_bytes(400'000, 2);
    const auto failed = world.gateway.put(other);
    CHECK(failed.status == 502);
    CHECK(reasons(failed) > 0);
    const auto error = json_of(failed);
    REQUIRE(error["upstreams"].size() == 3);
    CHECK(failed.body.find("disk on fire") != std::string::npos);
    CHECK(failed.body.find(world.two.host()) != std::string::npos);
}

TEST_CASE("a slow server delays neither the reply nor the next request of the same client") {
    World world;
    world.three.edit([](Script& script) { script.stall_upload_at = 100'000; });
    const auto body = some_bytes(8UL << 20U);
    const auto hash = sha256_hex(body);
    RawClient client(world.gateway.port());
    REQUIRE(client.send_head(
        "PUT", "/upload",
        {{"Authorization", token({.xs = {hash}})}, {"Content-Length", base::text(body.size())}}));
    REQUIRE(client.send(body));
    const auto response = client.read_response();
    CHECK(response.status == 201);
    CHECK(response.header("X-Upstream-Results").find(world.three.host() + "=pending") !=
          std::string::npos);
    REQUIRE(client.send_head("GET", "/live"));
    CHECK(client.read_response().status == 200);
    CHECK_FALSE(world.three.has_blob(hash));
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 1);
    // The straggler goes on behind the reply, also after its client has left.
    client.close();
    world.three.edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(world.three.wait_for([&] { return world.three.has_blob(hash); }));
    CHECK(world.three.blob(hash) == body);
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_replicas_pending") == 0; }));
}

TEST_CASE("SIGTERM lets a straggler finish within its grace") {
    World world({.server_keys = "  shutdown_grace: 40s\n"});
    world.three.edit([](Script& script) { script.stall_upload_at = 100'000; });
    const auto body = some_bytes(4UL << 20U);
    REQUIRE(world.gateway.put(body).status == 201);
    world.gateway.process().signal(SIGTERM);
    CHECK(world.gateway.process().wait_for_line("shutting down"));
    world.three.edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(world.gateway.process().wait_exit() == 0);
    CHECK(world.three.blob(sha256_hex(body)) == body);
}

TEST_CASE("after the grace the process ends and the ledger names the missing replica") {
    World world({.server_keys = "  shutdown_grace: 100ms\n"});
    world.three.edit([](Script& script) { script.stall_upload_at = 100'000; });
    const auto body = some_bytes(4UL << 20U);
    REQUIRE(world.gateway.put(body).status == 201);
    world.gateway.process().signal(SIGTERM);
    CHECK(world.gateway.process().wait_exit() == 0);
    CHECK_FALSE(world.three.has_blob(sha256_hex(body)));
    auto ledger = ledger::Ledger::open(world.gateway.ledger_path());
    REQUIRE(ledger);
    const auto missing = (*ledger)->missing(10);
    REQUIRE(missing.size() == 1);
    CHECK(missing[0].hash.hex() == sha256_hex(body));
    CHECK(missing[0].server_url.starts_with(world.three.url()));
}

TEST_CASE("an early 200 and an early 413 decide their legs at once") {
    World world;
    const auto body = some_bytes(2UL << 20U);
    world.one.put_blob(body);
    world.one.edit([](Script& script) { script.early_known = true; });
    world.three.edit(
        [](Script& script) { script.on(Op::upload) = {.status = 413, .early = true}; });
    const auto response = world.gateway.put(body);
    CHECK(response.status == 201);
    CHECK(response.header("X-Upstream-Results") == base::text(world.one.host(), "=200, ",
                                                              world.two.host(), "=201, ",
                                                              world.three.host(), "=413"));
}

TEST_CASE("a descriptor of other bytes does not count as an acknowledgement") {
    World world;
    world.two.edit([](Script& script) { script.wrong_sha256 = true; });
    world.three.edit([](Script& script) { script.wrong_sha256 = true; });
    const auto response = world.gateway.put(some_bytes(1000));
    CHECK(response.status == 502);
    CHECK(response.body.find("another hash") != std::string::npos);
}

TEST_CASE("an upload's status below the quorum follows the rules of aggregation") {
    struct Case {
        int two, three, expected;
    };
    for (const auto& [two, three, expected] :
         {Case{413, 413, 413}, Case{413, 415, 413}, Case{401, 415, 401}, Case{402, 402, 402},
          Case{429, 429, 429}, Case{500, 413, 502}, Case{307, 307, 502}}) {
        World world;
        CAPTURE(two);
        CAPTURE(three);
        world.one.edit([&](Script& script) { script.on(Op::upload) = {.status = two}; });
        world.two.edit([&](Script& script) { script.on(Op::upload) = {.status = two}; });
        world.three.edit([&](Script& script) { script.on(Op::upload) = {.status = three}; });
        const auto response = world.gateway.put(some_bytes(1000));
        CHECK(response.status == expected);
        CHECK(reasons(response) > 0);
    }
}

TEST_CASE("only the server's own faults count against it") {
    World world({.server_keys = "  max_failures: 2\n  probe_interval: 1h\n  refusal_ttl: 0\n"
                                "  probe_timeout: 1h\n  quorum_reply: all\n"});
    // The first fault calls for a probe, whose success would begin the count anew.
    world.three.edit([](Script& script) { script.on(Op::head).before_body.hold = true; });
    for (const int status : {401, 403, 404, 413, 415}) {
        world.three.edit([&](Script& script) { script.on(Op::upload) = {.status = status}; });
        world.gateway.put(some_bytes(1000, static_cast<std::uint32_t>(status)));
    }
    const auto well = json_of(world.gateway.request("GET", "/health"));
    CHECK(well["healthy_count"] == 3);
    world.three.edit([&](Script& script) { script.on(Op::upload) = {.status = 500}; });
    for (std::uint32_t i = 0; i < 2; ++i) {
        world.gateway.put(some_bytes(1000, 40 + i));
    }
    const auto ill = json_of(world.gateway.request("GET", "/health"));
    CHECK(ill["healthy_count"] == 2);
    CHECK(ill["healthy"] == true);
    CHECK(ill["servers"][world.three.url()]["healthy"] == false);
    CHECK(ill["servers"][world.three.url()]["consecutive_failures"] == 2);
}

TEST_CASE("a server that refuses a size or a type is not sent the like again, and /stats says so") {
    World world({.server_keys = "  quorum_reply: all\n"});
    world.three.edit([](Script& script) {
        script.upload_bytes_max = 1000;
        script.types = {"text/plain"};
    });
    const auto put = [&](std::size_t bytes, const char* type, const char* quorum = "2") {
        const auto response = world.gateway.put(
            some_bytes(bytes), {{"Content-Type", type}, {"X-Min-Upstreams", quorum}});
        return std::string(response.header("X-Upstream-Results"));
    };
    const auto three = [&](const char* word) { return base::text(world.three.host(), '=', word); };
    CHECK(put(2000, "text/plain").find(three("413")) != std::string::npos);
    CHECK(put(500, "image/png").find(three("415")) != std::string::npos);
    const auto sent = world.three.count("PUT");
    CHECK(put(2001, "text/plain").find(three("skipped")) != std::string::npos);
    CHECK(put(501, "image/png").find(three("skipped")) != std::string::npos);
    CHECK(world.three.count("PUT") == sent);
    const auto stats = json_of(world.gateway.request("GET", "/stats"));
    const auto& refuses = stats["servers"][world.three.url()]["refuses"];
    CHECK(refuses["bytes_from"] == 2000);
    CHECK(refuses["types"][0] == "image/png");
    // What it has not refused is sent to it as before.
    CHECK(put(502, "text/plain").find(three("201")) != std::string::npos);
    // It is asked all the same when the quorum needs it, and clears itself.
    world.three.edit([](Script& script) {
        script.upload_bytes_max.reset();
        script.types.clear();
    });
    CHECK(put(2002, "image/png", "3").find(three("201")) != std::string::npos);
    CHECK(put(2003, "image/png").find(three("201")) != std::string::npos);
}

TEST_CASE("a server is not believed to refuse what no client has sent") {
    World world;
    world.three.edit(
        [](Script& script) { script.on(Op::upload) = {.status = 413, .early = true}; });
    RawClient client(world.gateway.port());
    const auto body = some_bytes(1'000'000);
    REQUIRE(client.send_head("PUT", "/upload",
                             {{"Authorization", token({.xs = {sha256_hex(body)}})},
                              {"Content-Length", base::text(body.size())}}));
    CHECK(world.three.wait_for([&] {
        return world.gateway.metric(base::text("blossom_gw_upstream_outcomes_total{upstream=\"",
                                               world.three.host(), "\",kind=\"client_fault\"}")) ==
               1;
    }));
    const auto stats = json_of(world.gateway.request("GET", "/stats"));
    CHECK_FALSE(stats["servers"][world.three.url()]["refuses"].contains("bytes_from"));
}

TEST_CASE("X-Min-Upstreams may raise the quorum, and a bad one is refused") {
    World world;
    world.three.edit([](Script& script) { script.on(Op::upload) = {.status = 500}; });
    const auto put = [&](const char* wanted) {
        return world.gateway.put(some_bytes(1000), {{"X-Min-Upstreams", wanted}}).status;
    };
    CHECK(put("3") == 502);
    CHECK(put("1") / 100 == 2);  // without allow_lower_quorum it stays at two
    CHECK(put("4") == 400);
    CHECK(put("0") == 400);
    CHECK(put("two") == 400);
}

TEST_CASE("what is wrong with an upload's head is said before any byte is sent on") {
    World world({.server_keys = "  max_upload_size: 1000\n"});
    const auto put = [&](base::Headers headers, std::string_view body = "hello") {
        headers.add("Authorization", token({.xs = {sha256_hex(body)}}));
        return http_request(world.gateway.port(), "PUT", "/upload", headers, body);
    };
    CHECK(put({{"X-SHA-256", "abc"}}).status == 400);
    CHECK(put({{"X-SHA-256", sha256_hex("other")}}).status == 403);  // not in the x tag
    CHECK(put({}, some_bytes(1001)).status == 413);
    RawClient client(world.gateway.port());
    client.send_head("PUT", "/upload", {{"Authorization", token({})}});
    CHECK(client.read_response().status == 411);
    const auto response = world.gateway.request("POST", "/upload");
    CHECK(response.status == 405);
    CHECK(response.header("Access-Control-Allow-Origin") == "*");
    CHECK(reasons(response) > 0);
    CHECK(world.requests("PUT") == 0);
}

TEST_CASE("no token is ever logged") {
    World world;
    const auto header = token({.xs = {sha256_hex("a body")}});
    CHECK(world.gateway.put("a body", {{"Authorization", header}}).status == 201);
    CHECK(world.gateway.put("another", {{"Authorization", header}}).status == 403);
    const auto path = "/" + sha256_hex("a body");
    CHECK(world.gateway.request("DELETE", path, {{"Authorization", header}}).status == 403);
    CHECK(world.gateway.request("GET", path, {{"Authorization", header}}).status == 307);
    CHECK(world.gateway.put("a body", {{"Authorization", header + "!"}}).status == 401);
    world.gateway.process().signal(SIGTERM);
    CHECK(world.gateway.process().wait_exit() == 0);
    CHECK(world.gateway.log().find(header.substr(6, 40)) == std::string::npos);
    CHECK(world.gateway.log().find("Nostr ey") == std::string::npos);
    CHECK(world.gateway.log().find("upload") != std::string::npos);
}

TEST_CASE("dedupe_put: skip believes nobody who says yes and means no") {
    World world({.server_keys = "  dedupe_put: skip\n"});
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) {
            script.missing_head_status = 200;
            script.missing_headers = {{"X-Reason", "File not found"}};
        });
    const auto body = some_bytes(1000);
    CHECK(world.gateway.put(body, {{"X-SHA-256", sha256_hex(body)}}).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex(body)); }));
}

TEST_CASE("dedupe_put: skip sends no bytes to who has the blob") {
    World world({.server_keys = "  dedupe_put: skip\n"});
    const auto body = some_bytes(1000);
    world.one.put_blob(body);
    const auto response = world.gateway.put(body, {{"X-SHA-256", sha256_hex(body)}});
    CHECK(response.status == 201);
    CHECK(world.one.count("PUT", "/upload") == 0);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex(body)); }));
}

}  // namespace espalier::test
