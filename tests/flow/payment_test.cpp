// Servers that want to be paid (BUD-07).
#include <algorithm>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

void charge(FakeServer& server, const std::string& invoice) {
    server.edit([&](Script& script) {
        script.early_hook = [invoice](const Seen& seen) -> std::optional<Answer> {
            const bool writes = seen.op == Op::upload || seen.op == Op::check;
            if (!writes || seen.headers.value("X-Cashu") == "proof for " + invoice)
                return std::nullopt;
            return Answer{.status = 402,
                          .headers = {{"X-Cashu", invoice}, {"X-Reason", "please pay"}},
                          .body = {}};
        };
    });
}

// The proofs that a server has seen, with "" for each request without one.
std::vector<std::string> proofs_at(const FakeServer& server) {
    std::vector<std::string> proofs;
    for (const Seen& seen : server.seen())
        if (seen.op == Op::upload) proofs.emplace_back(seen.headers.value("X-Cashu"));
    return proofs;
}

}  // namespace

TEST_CASE("when enough servers are free, nobody is asked to pay") {
    World world;
    charge(world.three, "invoice");
    const auto response = world.gateway.put(some_bytes(1000));
    CHECK(response.status == 201);
    CHECK(response.header("X-Cashu").empty());
    CHECK(response.header("X-Upstream-Results").find(world.three.host() + "=402") !=
          std::string::npos);
}

TEST_CASE("the demands of one server are passed on, and its proof reaches it alone") {
    for (const std::size_t size : {1000UL, 400'000UL}) {
        CAPTURE(size);
        World world;
        charge(world.two, "invoice two");
        charge(world.three, "invoice three");
        const auto body = some_bytes(size);
        const auto asked = world.gateway.put(body);
        CHECK(asked.status == 402);
        const std::string invoice(asked.header("X-Cashu"));
        CHECK((invoice == "invoice two" || invoice == "invoice three"));
        FakeServer& paid = invoice == "invoice two" ? world.two : world.three;
        FakeServer& unpaid = invoice == "invoice two" ? world.three : world.two;
        for (FakeServer* server : world.servers()) server->forget_seen();

        const auto again =
            world.gateway.put(body, {{"Authorization", token({.xs = {sha256_hex(body)}})},
                                     {"X-Cashu", "proof for " + invoice}});
        CHECK(again.status == 201);
        CHECK(proofs_at(paid) == std::vector<std::string>{"proof for " + invoice});
        CHECK(proofs_at(unpaid) == std::vector<std::string>{""});
        CHECK(proofs_at(world.one) == std::vector<std::string>{""});
        CHECK(paid.has_blob(sha256_hex(body)));
    }
}

TEST_CASE("a proof that nobody asked for goes nowhere, nor does another's") {
    World world;
    charge(world.two, "invoice");
    charge(world.three, "invoice");
    const auto body = some_bytes(1000);
    const auto with_proof = [&](std::uint8_t who) {
        return world.gateway.put(
            body, {{"Authorization", token(test_key(who), {.xs = {sha256_hex(body)}})},
                   {"X-Cashu", "proof for invoice"}});
    };
    CHECK(with_proof(1).status == 402);
    for (FakeServer* server : world.servers())
        for (const auto& proof : proofs_at(*server)) CHECK(proof.empty());
    CHECK(with_proof(2).status == 402);
    CHECK(with_proof(1).status == 201);
}

TEST_CASE("the preflight asks for the same payment as the upload") {
    World world;
    charge(world.two, "invoice");
    charge(world.three, "invoice");
    const auto body = some_bytes(1000);
    const auto hash = sha256_hex(body);
    const auto asked = world.gateway.request("HEAD", "/upload",
                                             {{"Authorization", token({.xs = {hash}})},
                                              {"X-SHA-256", hash},
                                              {"X-Content-Length", "1000"}});
    CHECK(asked.status == 402);
    CHECK(asked.header("X-Cashu") == "invoice");
    const auto paid = world.gateway.put(
        body, {{"Authorization", token({.xs = {hash}})}, {"X-Cashu", "proof for invoice"}});
    CHECK(paid.status == 201);
}

}  // namespace espalier::test
