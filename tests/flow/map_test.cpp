// What the gateway knows of blobs survives its end.
#include <doctest/doctest.h>

#include "flow/gateway.h"
#include "ledger/ledger.h"

namespace espalier::test {
namespace {

// Known at two of the three servers.
std::string learnt(World& world) {
    const auto hash = world.one.put_blob("a picture", "image/png");
    world.two.put_blob("a picture", "image/png");
    CHECK(world.gateway.get(hash).status == 307);
    // All have been asked; the last answer may still be on its way into the map.
    CHECK(world.wait_for([&] { return world.requests("HEAD", "/" + hash) == 3; }));
    return hash;
}

std::size_t heads(World& world, const std::string& hash) {
    return world.requests("HEAD", "/" + hash);
}

void forget_requests(World& world) {
    for (FakeServer* server : world.servers()) server->forget_seen();
}

}  // namespace

TEST_CASE("a known blob is answered at once after a restart, and checked behind the reply") {
    World world;
    const auto hash = learnt(world);
    world.gateway.stop();
    forget_requests(world);
    world.gateway.start();
    CHECK(world.gateway.metric("blossom_gw_map_entries") == 1);
    CHECK(world.gateway.get(hash).header("Location").ends_with(hash + ".png"));
    CHECK(world.gateway.metric("blossom_gw_lookups_total") == 0);
    CHECK(world.gateway.metric("blossom_gw_map_hits_total") == 1);
    CHECK(world.wait_for([&] { return heads(world, hash) > 0; }));
    CHECK(world.three.count("HEAD", "/" + hash) == 0);
}

TEST_CASE("a restored entry that is wrong is corrected once it is used") {
    World world;
    const auto hash = learnt(world);
    world.gateway.stop();
    world.one.drop_blob(hash);
    world.two.drop_blob(hash);
    world.three.put_blob("a picture", "image/png");
    world.gateway.start();
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_map_entries") == 0; }));
    CHECK(world.gateway.get(hash).header("Location").starts_with(world.three.url()));
}

TEST_CASE("kill -9 loses what was learnt since the last save, no more") {
    World world({.server_keys = "  map_save_interval: 50ms\n"});
    const auto hash = learnt(world);
    // A save that began later than everything that is to be found again.
    const auto other = world.one.put_blob("another picture");
    for (const auto& known : {hash, other}) CHECK(world.gateway.get(known).status == 307);
    const auto book = world.gateway.ledger_path();
    const auto saved = [&] {
        const auto ledger = ledger::Ledger::open(book);
        const auto rows = ledger ? (*ledger)->load_map(10) : std::vector<ledger::MapRow>{};
        return rows && rows->size() == 2;
    };
    CHECK(world.wait_for(saved));
    world.gateway.restart(SIGKILL);
    CHECK(world.gateway.metric("blossom_gw_map_entries") == 2);
    CHECK(world.gateway.get(hash).status == 307);
    CHECK(world.gateway.metric("blossom_gw_lookups_total") == 0);
}

}  // namespace espalier::test
