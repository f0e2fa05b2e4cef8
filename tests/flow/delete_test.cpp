// Deletes while something is still on its way.
#include <algorithm>

#include <doctest/doctest.h>

#include "flow/gateway.h"

namespace espalier::test {
namespace {

bool has_begun(const FakeServer& server, Op op) {
    const auto seen = server.seen();
    return std::ranges::any_of(seen, [&](const Seen& one) { return one.op == op; });
}

bool has_ended(const FakeServer& server, Op op) {
    const auto seen = server.seen();
    return std::ranges::any_of(
        seen, [&](const Seen& one) { return one.op == op && (one.gone || one.answer_complete); });
}

// More than sockets keep: a server that has got every byte cannot be kept from storing them.
constexpr std::size_t kBodyBytes = 16'000'000;

// Two servers have the body, the third has stopped reading it.
std::string upload_with_straggler(World& world) {
    world.three.edit([](Script& script) {
        script.receive_buffer = 16 * 1024;
        script.stall_upload_at = 500'000;
    });
    const auto body = some_bytes(kBodyBytes);
    CHECK(world.gateway.put(body).status == 201);
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 1);
    return sha256_hex(body);
}

}  // namespace

TEST_CASE("a delete ends an upload that is still on its way to a slow server") {
    World world;
    const auto hash = upload_with_straggler(world);
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 0);
    world.three.edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(world.wait_for([&] { return has_ended(world.three, Op::upload); }));
    CHECK_FALSE(world.three.has_blob(hash));
    CHECK(world.three.complete_uploads() == 0);
    CHECK(world.gateway.get(hash).status == 404);
}

TEST_CASE("a stranger's delete ends nobody's upload") {
    World world;
    const auto hash = upload_with_straggler(world);
    const auto stranger = token(test_key(2), {.verb = "delete", .xs = {hash}});
    CHECK(world.gateway.request("DELETE", "/" + hash, {{"Authorization", stranger}}).status == 403);
    world.three.edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
    CHECK(world.wait_for([&] { return world.gateway.metric("blossom_gw_replicas_pending") == 0; }));
}

TEST_CASE("a delete ends a mirror that is still on its way") {
    World world({.server_keys = "  mirror_private_origins: true\n"});
    FakeServer origin;
    const auto hash = origin.put_blob("a picture");
    world.three.edit([](Script& script) { script.on(Op::mirror).before_body.hold = true; });
    const auto mirrored =
        world.gateway.request("PUT", "/mirror", {{"Authorization", token({.xs = {hash}})}},
                              base::text(R"({"url":")", origin.url(), "/", hash, "\"}"));
    CHECK(mirrored.status == 201);
    CHECK(has_begun(world.three, Op::mirror));
    CHECK(world.gateway.remove(hash).status == 204);
    CHECK(world.wait_for([&] { return has_ended(world.three, Op::mirror); }));
    CHECK_FALSE(world.three.has_blob(hash));
    CHECK(world.gateway.metric("blossom_gw_replicas_pending") == 0);
}

TEST_CASE("what is uploaded again after a delete arrives everywhere") {
    World world;
    const auto hash = upload_with_straggler(world);
    CHECK(world.gateway.remove(hash).status == 204);
    world.three.edit([](Script& script) { script.stall_upload_at.reset(); });
    CHECK(world.gateway.put(some_bytes(kBodyBytes)).status == 201);
    CHECK(world.wait_for([&] { return world.everywhere(hash); }));
}

}  // namespace espalier::test
