#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

}  // namespace

TEST_CASE("/info names the server tags that make a token good everywhere") {
    World world({.server_keys = "  base_url: https://gateway.example\n",
                 .upstream_keys = {"", "    server_tag_match: url\n", "    auth: none\n"}});
    const auto response = world.gateway.request("GET", "/info");
    CHECK(response.status == 200);
    CHECK(response.header("Access-Control-Allow-Origin") == "*");
    const auto info = Json::parse(response.body, nullptr, false);
    CHECK(info["url"] == "https://gateway.example");
    CHECK(info["server_tags"] == Json{"gateway.example", "127.0.0.1", world.two.url()});
    CHECK(info["upstreams"].size() == 3);
    CHECK(info["upstreams"][2]["host"] == world.three.host());
    CHECK(info["limits"]["min_upload_servers"] == 2);

    // The tags keep what is promised of them.
    const auto body = some_bytes(1000);
    const auto with_tags = [&](const std::vector<std::string>& servers) {
        return token({.xs = {sha256_hex(body)}, .servers = servers});
    };
    const std::vector<std::string> tags = info["server_tags"];
    CHECK(world.gateway.put(body, {{"Authorization", with_tags(tags)}}).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(sha256_hex(body)); }));
}

TEST_CASE("a token whose tags fit too few servers is told which hosts to add") {
    World world({.server_keys = "  base_url: https://gateway.example\n"});
    const auto body = some_bytes(1000);
    const auto narrow = token({.xs = {sha256_hex(body)}, .servers = {"gateway.example"}});
    const auto response = world.gateway.put(body, {{"Authorization", narrow}});
    CHECK(response.status == 401);
    CHECK(response.header("X-Reason").find("127.0.0.1") != std::string::npos);
    const auto said = Json::parse(response.body, nullptr, false);
    CHECK(said["upstreams"].size() == 3);
    CHECK(world.requests("PUT") == 0);
}

TEST_CASE("/info lists what is answered, and nothing of where servers really are") {
    World world({.upstream_keys = {
                     base::text("    connect_to: \"127.0.0.1:9\"\n"),
                 }});
    const auto body = world.gateway.request("GET", "/info").body;
    const auto info = Json::parse(body, nullptr, false);
    CHECK(body.find("127.0.0.1:9\"") == std::string::npos);
    for (const auto* const endpoint : {"PUT /upload", "HEAD /upload", "GET /<sha256>",
                                       "DELETE /<sha256>", "GET /list/<pubkey>", "PUT /report"})
        CHECK(std::ranges::count(info["endpoints"], Json(endpoint)) == 1);
    CHECK(std::ranges::count(info["endpoints"], Json("GET /stats")) == 0);
    CHECK(world.gateway.request("PUT", "/info").status == 405);
}

}  // namespace espalier::test
