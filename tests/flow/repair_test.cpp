// What an upload could not bring everywhere is brought later.
#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

constexpr std::uint8_t kService = 9;

std::string with_service_key() {
    return base::text("  service_key: ", test_key(kService).nsec(),
                      "\n  repair_interval: 50ms\n  probe_interval: 100ms\n");
}

// Uploaded while the third server is down.
std::string uploaded_to_two(World& world, const std::string& body = "a picture") {
    world.three.stop();
    CHECK(world.gateway.put(body).status == 201);
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 1);
    return sha256_hex(body);
}

bool all_settled(World& world) {
    return world.wait_for([&] { return world.gateway.metric("blossom_gw_replicas_pending") == 0; });
}

}  // namespace

TEST_CASE("a server that was down gets its copy with the uploader's token when it is back") {
    for (const bool mirrors : {true, false}) {
        CAPTURE(mirrors);
        World world({.server_keys = "  probe_interval: 100ms\n", .repairs = true});
        if (!mirrors) world.three.edit([](Script& script) { script.on(Op::mirror).status = 404; });
        world.three.edit([](Script& script) {
            script.auth.required = {Op::upload, Op::mirror};
            script.auth.pubkeys = {test_pubkey(1)};
            script.auth.verify = true;
        });
        const auto hash = uploaded_to_two(world);
        world.three.restart();
        CHECK(world.wait_for([&] { return world.three.has_blob(hash); }));
        CHECK(all_settled(world));
        CHECK(world.gateway.log().find("Nostr ") == std::string::npos);
    }
}

TEST_CASE("after a restart of the gateway the service key brings what is missing") {
    for (const int signal : {SIGTERM, SIGKILL}) {
        CAPTURE(signal);
        World world({.server_keys = with_service_key(), .repairs = true});
        const auto hash = uploaded_to_two(world);
        world.gateway.stop(signal);
        world.three.restart();
        world.three.edit([](Script& script) {
            script.auth.required = {Op::upload, Op::mirror};
            script.auth.pubkeys = {test_pubkey(kService)};
            script.auth.verify = true;
            script.auth.require_x = true;
        });
        world.gateway.start();
        CHECK(world.wait_for([&] { return world.three.has_blob(hash); }));
        CHECK(all_settled(world));
        const auto log = world.gateway.log();
        CHECK(log.find(test_key(kService).nsec()) == std::string::npos);
        CHECK(log.find("Nostr ") == std::string::npos);
    }
}

TEST_CASE("whoever uploaded a blob deletes the copies that the gateway keeps, and nobody else") {
    World world({.server_keys = with_service_key(), .repairs = true});
    const auto hash = uploaded_to_two(world);
    world.gateway.stop();
    world.three.restart();
    world.gateway.start();
    CHECK(world.wait_for([&] { return world.three.has_blob(hash); }));
    CHECK(all_settled(world));
    const auto stranger = token(test_key(2), {.verb = "delete", .xs = {hash}});
    CHECK(world.gateway.request("DELETE", "/" + hash, {{"Authorization", stranger}}).status == 403);
    CHECK(world.everywhere(hash));
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK_FALSE(world.three.has_blob(hash));
}

TEST_CASE("a blob that was deleted meanwhile is not brought back") {
    World world({.server_keys = with_service_key(), .repairs = true});
    const auto hash = uploaded_to_two(world);
    CHECK(world.gateway.remove(hash).status == 502);  // the third did not answer
    const auto other = sha256_hex("another picture");
    CHECK(world.gateway.put("another picture").status == 201);
    world.three.restart();
    CHECK(world.wait_for([&] { return world.three.has_blob(other); }));
    CHECK(all_settled(world));
    CHECK_FALSE(world.three.has_blob(hash));
    CHECK(world.three.count("PUT", "/mirror") <= 1);
}

TEST_CASE("a service key that cannot be read stops the start, and is not repeated") {
    TempDir folder;
    for (const std::string key : {"file:/nowhere/at-all", "nsec1notakey"}) {
        CAPTURE(key);
        const auto config = folder.write(
            "config.yaml",
            base::text("upstream_servers:\n  - url: http://127.0.0.1:9\nserver:\n"
                       "  min_upload_servers: 1\n  listen_addr: 127.0.0.1:0\n"
                       "  ledger_path: ",
                       (folder / "ledger.db").string(), "\n  service_key: ", key, "\n"));
        Process process({.argv = {ESPALIER_BINARY, "-config", config}});
        CHECK(process.wait_exit() != 0);
        CHECK(process.output().find("service_key") != std::string::npos);
        CHECK(process.output().find("nsec1") == std::string::npos);
    }
}

}  // namespace espalier::test
