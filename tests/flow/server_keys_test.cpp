// Keys of the server that no other flow test turns: each changes what a client sees.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

Json json_of(const Response& response) {
    return Json::parse(response.body, nullptr, false);
}

std::size_t tags(const Json& descriptor, std::string_view name) {
    std::size_t count = 0;
    for (const auto& tag : descriptor["nip94"]) count += tag[0] == name ? 1U : 0U;
    return count;
}

// The url in the descriptor of a small upload.
std::string descriptor_url(const World& world, base::Headers headers = {}) {
    headers.add("Content-Type", "image/png");
    return json_of(world.gateway.put("a picture", std::move(headers)))["url"];
}

}  // namespace

TEST_CASE("quorum_reply: all waits for every server") {
    World world({.server_keys = "  quorum_reply: all\n  quorum_linger: 0\n"});
    world.three.edit([](Script& script) { script.on(Op::upload).before_answer.hold = true; });
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    RawClient client(world.gateway.port());
    REQUIRE(client.send_head(
        "PUT", "/upload",
        {{"Authorization", token({.xs = {hash}})}, {"Content-Length", base::text(body.size())}}));
    REQUIRE(client.send(body));
    // One more request to each of the others after theirs are answered: had the quorum been
    // enough, the reply would be under way.
    CHECK(world.three.wait_for([&] { return world.three.complete_uploads() == 1; }));
    CHECK(world.wait_for([&] { return world.one.has_blob(hash) && world.two.has_blob(hash); }));
    CHECK(world.wait_for([&] {
        return world.one.count("HEAD", "/" + hash) > 0 && world.two.count("HEAD", "/" + hash) > 0;
    }));
    world.three.edit([](Script& script) { script.ops.clear(); });
    const auto response = client.read_response();
    CHECK(response.status == 201);
    CHECK(response.header("X-Upstream-Results").find(world.three.host() + "=201") !=
          std::string::npos);
}

TEST_CASE("allow_lower_quorum lets a client ask for fewer copies") {
    World world({.server_keys = "  allow_lower_quorum: true\n"});
    for (FakeServer* server : {&world.two, &world.three})
        server->edit([](Script& script) { script.on(Op::upload) = {.status = 500}; });
    CHECK(world.gateway.put("a body", {{"X-Min-Upstreams", "1"}}).status == 201);
    CHECK(world.gateway.put("a body").status == 502);
}

TEST_CASE("success_status: 200 restores the original's answer to a new blob") {
    World world({.server_keys = "  success_status: 200\n"});
    CHECK(world.gateway.put("a body").status == 200);
}

TEST_CASE("nip94_urls: replicas are named by url tags, by fallback tags, or by both") {
    struct Case {
        const char* word;
        std::size_t urls, fallbacks;
    };
    for (const auto& [word, urls, fallbacks] :
         {Case{"multi", 3, 0}, Case{"fallback", 1, 2}, Case{"both", 3, 2}}) {
        CAPTURE(word);
        World world({.server_keys = base::text("  nip94_urls: ", word, "\n")});
        const auto put = world.gateway.put("a body", {{"X-Min-Upstreams", "3"}});
        CHECK(tags(json_of(put), "url") == urls);
        CHECK(tags(json_of(put), "fallback") == fallbacks);
    }
}

TEST_CASE("chunked_uploads: reject asks for a length, and nobody is asked") {
    World world({.server_keys = "  chunked_uploads: reject\n"});
    const auto body = some_bytes(1000);
    const auto response = streaming_put(
        world.gateway.port(), body,
        {.headers = {{"Authorization", token({.xs = {sha256_hex(body)}})}}, .chunked = true});
    CHECK(response.status == 411);
    CHECK(world.requests("PUT") == 0);
}

TEST_CASE("redirect_strategy: local names base_url in descriptors, and redirects go on") {
    World world({.server_keys = "  redirect_strategy: local\n  proxy_when_needed: false\n"
                                "  base_url: \"https://gateway.example/\"\n"});
    const auto hash = sha256_hex("a picture");
    const auto url = descriptor_url(world);
    CHECK(url == base::text("https://gateway.example/", hash, ".png"));
    const auto get = world.gateway.get(hash);
    CHECK(get.status == 307);
    CHECK(get.header("Location").starts_with("http://127.0.0.1:"));
}

TEST_CASE("trusted_proxies: only their X-Forwarded headers say how clients address us") {
    const base::Headers forwarded{{"X-Forwarded-Proto", "https"},
                                  {"X-Forwarded-Host", "public.example"}};
    const auto path = base::text('/', sha256_hex("a picture"), ".png");
    const std::string local = "  redirect_strategy: local\n";
    const World trusting({.server_keys = local + "  trusted_proxies: [127.0.0.0/8]\n"});
    CHECK(descriptor_url(trusting, forwarded) == "https://public.example" + path);
    const World wary({.server_keys = local});
    CHECK(descriptor_url(wary, forwarded) == wary.gateway.url() + path);
}

TEST_CASE("download_redirect_strategy chooses for redirects alone") {
    World world({.server_keys = "  redirect_strategy: local\n"
                                "  download_redirect_strategy: priority\n  hedge_delay: 5s\n",
                 .upstream_keys = {"    priority: 3\n", "    priority: 1\n", "    priority: 2\n"}});
    for (std::uint32_t i = 0; i < 6; ++i) {
        const auto body = some_bytes(100, i);
        for (FakeServer* server : world.servers()) server->put_blob(body);
        const auto get = world.gateway.get(sha256_hex(body));
        CHECK(get.header("Location").starts_with(world.two.url()));
    }
    CHECK(descriptor_url(world).starts_with(world.gateway.url()));
}

TEST_CASE("redirect_strategy: fastest sends clients to the server that answers soonest") {
    World world({.server_keys = "  redirect_strategy: fastest\n  hedge_delay: auto\n"});
    for (FakeServer* server : {&world.one, &world.three})
        server->edit([](Script& script) {
            script.on(Op::head).before_answer.delay = base::Milliseconds{150};
        });
    // Every one of these is a lookup; then the slow ones are known as slow.
    for (std::uint32_t i = 0; i < 3; ++i) world.gateway.get(sha256_hex(some_bytes(10, 1000 + i)));
    for (std::uint32_t i = 0; i < 6; ++i) {
        const auto body = some_bytes(100, i);
        for (FakeServer* server : world.servers()) server->put_blob(body);
        const auto hash = sha256_hex(body);
        CHECK(world.gateway.get(hash).header("Location").starts_with(world.two.url()));
        CHECK(world.wait_for([&] { return world.one.count("HEAD", "/" + hash) == 1; }));
    }
    const auto stats = json_of(world.gateway.request("GET", "/stats"))["servers"];
    CHECK(stats[world.one.url()]["lookup_ms"]["p50"] >= 120);
    CHECK(stats[world.two.url()]["lookup_ms"]["p50"] < stats[world.one.url()]["lookup_ms"]["p50"]);
}

TEST_CASE("capability_probe finds out what each server offers, and HEAD /upload makes use of it") {
    World world({.server_keys = "",
                 .upstream_keys = {"", "    supports_upload_head: true\n", ""},
                 .capability_probe = true});
    const auto offered = [&](const FakeServer& server) {
        return json_of(
            world.gateway.request("GET", "/stats"))["servers"][server.url()]["capabilities"];
    };
    CHECK(world.wait_for([&] {
        for (FakeServer* server : world.servers())
            if (offered(*server)["list"]["offered"] != "yes") return false;
        return true;
    }));
    const auto one = offered(world.one);
    CHECK(one["upload_head"]["offered"] == "yes");
    CHECK(one["mirror"]["source"] == "probed");
    CHECK(one["media"]["offered"] == "no");
    CHECK(offered(world.two)["upload_head"]["source"] == "config");
    CHECK(world.two.count("HEAD", "/upload") == 0);
}

TEST_CASE("a server that is known to have no HEAD /upload is not asked, and may well accept") {
    FakeServer one, two;
    for (FakeServer* server : {&one, &two})
        server->edit([](Script& script) { script.on(Op::check) = {.status = 404}; });
    const Gateway gateway({one.url(), two.url()}, {.server_keys = "", .capability_probe = true});
    CHECK(one.wait_for([&] {
        const auto stats = json_of(gateway.request("GET", "/stats"))["servers"];
        return stats[one.url()]["capabilities"]["upload_head"]["offered"] == "no" &&
               stats[two.url()]["capabilities"]["upload_head"]["offered"] == "no";
    }));
    const auto hash = sha256_hex("a body");
    const auto response = gateway.request("HEAD", "/upload",
                                          {{"Authorization", token({.xs = {hash}})},
                                           {"X-SHA-256", hash},
                                           {"X-Content-Length", "6"},
                                           {"X-Content-Type", "text/plain"}});
    CHECK(response.status == 200);
    CHECK(one.count("HEAD", "/upload") == 1);
    CHECK(two.count("HEAD", "/upload") == 1);
}

TEST_CASE("redirect_status is the status of redirects") {
    for (const int status : {302, 308}) {
        World world({.server_keys = base::text("  redirect_status: ", status, "\n")});
        const auto hash = world.two.put_blob("a picture");
        for (int i = 0; i < 2; ++i) CHECK(world.gateway.get(hash).status == status);
    }
}

TEST_CASE("delete_quorum: any takes one server's word") {
    World world({.server_keys = "  delete_quorum: any\n"});
    const auto hash = world.one.put_blob("a body");
    world.three.edit([](Script& script) { script.on(Op::remove) = {.status = 500}; });
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK_FALSE(world.one.has_blob(hash));
}

TEST_CASE("max_retries: a delete that broke off is repeated so often") {
    const auto status = [](const char* retries) {
        World world({.server_keys = base::text("  max_retries: ", retries, "\n")});
        const auto hash = world.one.put_blob("a body");
        // Twice, because a request on a kept connection that breaks is repeated in any case.
        world.three.edit(
            [](Script& script) { script.on(Op::remove) = {.cut = Cut::rst, .times = 2}; });
        return world.gateway.remove(hash).status;
    };
    CHECK(status("0") == 502);
    CHECK(status("3") == 204);
}

}  // namespace espalier::test
