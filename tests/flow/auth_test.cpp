#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

struct Broken {
    const char* what;
    TokenSpec spec;
    int status;
};

std::vector<Broken> broken_tokens(const std::string& hash, std::int64_t now) {
    const auto spec = [&](auto change) {
        TokenSpec made{.xs = {hash}};
        change(made);
        return made;
    };
    const auto fault = [&](Fault which) { return spec([=](TokenSpec& s) { s.fault = which; }); };
    return {
        {"malformed base64", fault(Fault::base64), 401},
        {"cut JSON", fault(Fault::json), 401},
        {"duplicate key", fault(Fault::duplicate_key), 401},
        {"wrong id", fault(Fault::id), 401},
        {"wrong signature", fault(Fault::signature), 401},
        {"another's key", fault(Fault::pubkey), 401},
        {"wrong scheme", fault(Fault::scheme), 401},
        {"no expiration", fault(Fault::no_expiration), 401},
        {"no verb", fault(Fault::no_verb), 403},
        {"wrong kind", spec([](TokenSpec& s) { s.kind = 1; }), 401},
        {"expired", spec([&](TokenSpec& s) {
             s.created_at = now - 500;
             s.expiration = now - 10;
         }),
         401},
        {"from the future", spec([&](TokenSpec& s) { s.created_at = now + 600; }), 401},
        {"wrong verb", spec([](TokenSpec& s) { s.verb = "delete"; }), 403},
        {"wrong server", spec([](TokenSpec& s) { s.servers = {"other.example"}; }), 401},
        {"wrong x", spec([](TokenSpec& s) { s.xs = {sha256_hex("x")}; }), 403},
    };
}

}  // namespace

TEST_CASE("each broken token is refused with its status and a reason, and nobody is asked") {
    World world;
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    const base::SystemClock clock;
    for (const auto& [what, spec, status] : broken_tokens(hash, clock.unix_now())) {
        CAPTURE(what);
        const auto response =
            world.gateway.put(body, {{"Authorization", token(spec)}, {"X-SHA-256", hash}});
        CHECK(response.status == status);
        CHECK_FALSE(response.header("X-Reason").empty());
        CHECK(response.header("Access-Control-Allow-Origin") == "*");
    }
    const auto missing = world.gateway.request("PUT", "/upload", {}, body);
    CHECK(missing.status == 401);
    CHECK_FALSE(missing.header("X-Reason").empty());
    CHECK(world.requests("PUT") == 0);
    CHECK(world.gateway.metric("blossom_gw_auth_rejects_total{reason=\"expired\"}") == 1);
}

TEST_CASE("who is not on the allowlist is refused, and nobody is asked") {
    World world({.server_keys = base::text("  allowed_pubkeys: [\"", test_pubkey(2), "\"]\n")});
    const auto body = some_bytes(1000);
    CHECK(world.gateway.put(body).status == 403);
    CHECK(world.requests("PUT") == 0);
    const auto allowed = token(test_key(2), {.xs = {sha256_hex(body)}});
    CHECK(world.gateway.put(body, {{"Authorization", allowed}}).status == 201);
}

TEST_CASE("with auth.writes: forward the servers decide") {
    World world({.server_keys = "  auth:\n    writes: forward\n"});
    CHECK(world.gateway.request("PUT", "/upload", {}, "no token at all").status == 201);
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.auth.required = {Op::upload}; });
    CHECK(world.gateway.request("PUT", "/upload", {}, "no token again").status == 401);
}

TEST_CASE("an allowlist holds even when the servers decide on everybody else's tokens") {
    World world({.server_keys = base::text("  auth.writes: forward\n  allowed_pubkeys: [\"",
                                           test_pubkey(2), "\"]\n")});
    CHECK(world.gateway.put("a body").status == 403);
    CHECK(world.gateway.request("PUT", "/upload", {}, "no token").status == 401);
    CHECK(world.requests("PUT") == 0);
    const auto allowed = token(test_key(2), {.xs = {sha256_hex("a body")}});
    CHECK(world.gateway.put("a body", {{"Authorization", allowed}}).status == 201);
}

TEST_CASE("with auth.writes: forward a question without a token is told to sign") {
    const base::Headers question{{"X-SHA-256", sha256_hex("body")}, {"X-Content-Length", "4"}};
    World world({.server_keys = "  auth.writes: forward\n"});
    const auto unsigned_one = world.gateway.request("HEAD", "/upload", question);
    CHECK(unsigned_one.status == 401);
    CHECK_FALSE(unsigned_one.header("X-Reason").empty());
    auto with_token = question;
    with_token.add("Authorization", token({.xs = {sha256_hex("body")}}));
    CHECK(world.gateway.request("HEAD", "/upload", with_token).status == 200);
    // Two that want none make the quorum.
    World open({.server_keys = "  auth.writes: forward\n",
                .upstream_keys = {"    auth: none\n", "    auth: none\n"}});
    CHECK(open.gateway.request("HEAD", "/upload", question).status == 200);
}

TEST_CASE("a token scoped to other servers is told which ones to add") {
    World world;
    const auto body = some_bytes(1000);
    const auto scoped = [&](std::vector<std::string> servers) {
        return token({.xs = {sha256_hex(body)}, .servers = std::move(servers)});
    };
    const auto refused =
        world.gateway.put(body, {{"Authorization", scoped({"elsewhere.example"})}});
    CHECK(refused.status == 401);
    CHECK(refused.header("X-Reason").find("127.0.0.1") != std::string::npos);
    CHECK(world.gateway.put(body, {{"Authorization", scoped({"127.0.0.1"})}}).status == 201);
}

TEST_CASE("every upstream gets the token in the encoding that most of them read") {
    World world;
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) {
            script.auth.required = {Op::upload};
            script.auth.std_padded_only = true;
        });
    const auto body = some_bytes(1000);
    const auto url = token({.xs = {sha256_hex(body)}, .encoding = protocol::TokenEncoding::url});
    CHECK(world.gateway.put(body, {{"Authorization", url}}).status == 201);
}

TEST_CASE("HEAD /upload says 401 without a token, checks limits, and asks who can answer") {
    World world({.server_keys = "  max_upload_size: 5000\n"});
    const auto hash = sha256_hex("body");
    const base::Headers question{{"X-SHA-256", hash}, {"X-Content-Length", "4"}};
    CHECK(world.gateway.request("HEAD", "/upload", question).status == 401);
    const auto ask = [&](base::Headers headers) {
        headers.add("Authorization", token({.xs = {hash}}));
        return world.gateway.request("HEAD", "/upload", headers);
    };
    CHECK(ask(question).status == 200);
    CHECK(ask({{"X-SHA-256", hash}}).status == 411);
    CHECK(ask({{"X-SHA-256", hash}, {"X-Content-Length", "6000"}}).status == 413);
    CHECK(ask({{"X-SHA-256", "invalid"}, {"X-Content-Length", "4"}}).status == 400);
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) { script.on(Op::check) = {.status = 404}; });
    CHECK(ask(question).status == 200);  // who cannot say may well accept
    for (FakeServer* server : world.servers())
        server->edit([](Script& script) {
            script.on(Op::check) = {.status = 415, .headers = {{"X-Reason", "no cats"}}};
        });
    const auto refused = ask(question);
    CHECK(refused.status == 415);
    CHECK(refused.header("X-Reason").find("no cats") != std::string::npos);
}

}  // namespace espalier::test
