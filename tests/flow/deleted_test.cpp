// What comes after the reply to a delete.
#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

constexpr auto kDeleted = "blossom_gw_deletes_behind_total{result=\"deleted\"}";
constexpr auto kGivenUp = "blossom_gw_deletes_behind_total{result=\"given_up\"}";

// On all three servers.
std::string stored_everywhere(World& world) {
    const std::string body = "a picture";
    CHECK(world.gateway.put(body).status == 201);
    const auto hash = sha256_hex(body);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    return hash;
}

}  // namespace

TEST_CASE("a server that is down during a delete deletes when it is back") {
    World world;
    const auto hash = stored_everywhere(world);
    world.three.stop();
    const auto reply = world.gateway.remove(hash);
    CHECK(reply.status == 502);
    CHECK(reply.header("X-Upstream-Results").find("refused") != std::string::npos);
    CHECK(world.gateway.metric("blossom_gw_tombstones") == 1);
    CHECK(world.gateway.metric("blossom_gw_deletes_waiting") == 1);
    world.three.restart();
    CHECK(world.three.wait_for([&] { return !world.three.has_blob(hash); }));
    CHECK(world.wait_for([&] { return world.gateway.metric(kDeleted) == 1; }));
    CHECK(world.gateway.get(hash).status == 404);
    // The token was sent, and shown to nobody else.
    CHECK(world.gateway.log().find("Nostr ") == std::string::npos);
}

TEST_CASE("an upload after a delete ends both its tombstone and its retries") {
    World world;
    const auto hash = stored_everywhere(world);
    world.three.stop();
    CHECK(world.gateway.remove(hash).status == 502);
    CHECK(world.gateway.put("a picture").status == 201);
    CHECK(world.gateway.metric("blossom_gw_tombstones") == 0);
    world.three.restart();
    CHECK(world.wait_for([&] { return world.gateway.metric(kGivenUp) == 1; }));
    CHECK(world.everywhere(hash));
}

TEST_CASE("a delete that no server carried out leaves nothing behind") {
    World world;
    const auto hash = stored_everywhere(world);
    const auto stranger = token(test_key(2), {.verb = "delete", .xs = {hash}});
    CHECK(world.gateway.request("DELETE", "/" + hash, {{"Authorization", stranger}}).status == 403);
    world.one.stop();
    CHECK(world.gateway.request("DELETE", "/" + hash, {{"Authorization", stranger}}).status >= 400);
    CHECK(world.gateway.metric("blossom_gw_tombstones") == 0);
    CHECK(world.gateway.metric("blossom_gw_deletes_waiting") == 0);
}

TEST_CASE("a blob that was deleted is missed no more") {
    World world;
    const auto hash = sha256_hex("a picture");
    world.three.edit([](Script& script) { script.on(Op::upload).status = 500; });
    CHECK(world.gateway.put("a picture").status == 201);
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 1);
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 0);
}

TEST_CASE("a server that says deleted and does not is found out behind the reply") {
    World world;
    const auto hash = stored_everywhere(world);
    world.three.drop_blob(hash);
    world.three.put_blob("a picture", "text/plain", test_pubkey(2));
    world.three.edit([](Script& script) { script.foreign_delete_lies = true; });
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.three.wait_for_requests("HEAD", "/" + hash));
    // It is in the map again, and another owner's copy stays readable.
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_map_entries") == 1; }));
    const auto lookups = world.gateway.metric("blossom_gw_lookups_total");
    CHECK(world.gateway.get(hash).header("Location").starts_with(world.three.url()));
    CHECK(world.gateway.metric("blossom_gw_lookups_total") == lookups);
}

}  // namespace espalier::test
