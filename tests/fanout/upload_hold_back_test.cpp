// Nobody stores anything before the worker says that the body is right.
#include <doctest/doctest.h>

#include "world.h"

using namespace espalier;
using namespace espalier::test;

namespace {

const std::vector<std::size_t> kSizes{1, 2, 1000, 64 * 1024, 1'000'000, 16 << 20};

// Whether every server has received exactly `bytes` of its upload, so far.
bool everybody_received(World& world, std::uint64_t bytes) {
    for (const auto& server : world.servers) {
        const auto seen = server->seen();
        if (seen.size() != 1 || seen.front().body_bytes_received != bytes) return false;
    }
    return true;
}

bool everybody_was_left(World& world) {
    for (const auto& server : world.servers)
        for (const auto& seen : server->seen())
            if (!seen.gone) return false;
    return true;
}

}  // namespace

TEST_CASE("until the release every server lacks exactly the last byte") {
    for (const auto size : kSizes) {
        CAPTURE(size);
        World world;
        Sender sender(world, {.body = make_bytes(size), .left_out = {}});
        REQUIRE(sender.pour_all());
        CHECK(world.wait_for([&] { return everybody_received(world, size - 1); }));
        for (const auto& server : world.servers) {
            CHECK(server->complete_uploads() == 0);
            CHECK(server->blobs() == 0);
        }
        CHECK(sender->status().verdict.decision == fleet::Decision::open);
        sender.release();
        CHECK(sender.wait_for_all().verdict.status == 201);
        for (const auto& server : world.servers)
            CHECK((server->blob(sender.hex()) == sender.body()));
    }
}

TEST_CASE("a dropped upload leaves every server with a short body and nothing stored") {
    for (const auto size : kSizes) {
        CAPTURE(size);
        World world;
        Sender sender(world, {.body = make_bytes(size), .left_out = {}});
        REQUIRE(sender.pour_all());
        CHECK(world.wait_for([&] { return everybody_received(world, size - 1); }));
        sender->drop();
        CHECK(world.wait_for([&] { return everybody_was_left(world); }));
        for (const auto& server : world.servers) {
            CHECK(server->complete_uploads() == 0);
            CHECK(server->blobs() == 0);
        }
        const auto status = sender.wait_for_all();
        for (const auto& outcome : status.outcomes)
            CHECK(outcome.kind == fleet::OutcomeKind::cancelled);
    }
}

TEST_CASE("an upload dropped half way is cut everywhere, and costs no server its health") {
    World world({.max_failures = 1});
    Sender sender(world, {.body = make_bytes(2 << 20), .left_out = {}});
    REQUIRE(sender.pour(0, 1 << 20));
    CHECK(world.wait_for([&] { return everybody_received(world, (1 << 20) - 1); }));
    sender->drop();
    CHECK(world.wait_for([&] { return everybody_was_left(world); }));
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(world.server(i).complete_uploads() == 0);
        CHECK(world.snapshot(i).healthy);
        CHECK_FALSE(world.snapshot(i).suspect);
    }
    sender.wait_for_all();
    world.flush_mover();
    CHECK(world.memory.used() == 0);
}

TEST_CASE("an upload that is dropped before its first byte reaches nobody's store") {
    World world;
    Sender sender(world, {.body = make_bytes(100'000), .left_out = {}});
    sender->drop();
    CHECK(world.wait_for([&] { return world.mover.jobs() == 0; }));
    for (const auto& server : world.servers) CHECK(server->blobs() == 0);
}

TEST_CASE("a body to be verified first opens no leg before the release") {
    for (const bool length_known : {true, false}) {
        World world;
        Sender sender(world, {.body = make_bytes(100'000),
                              .verify_first = true,
                              .length_known = length_known,
                              .left_out = {}});
        REQUIRE(sender.pour_all());
        world.flush_mover();
        CHECK(world.engine.snapshot().started == 0);
        sender.release();
        CHECK(sender.wait_for_all().verdict.acknowledged == 3);
        for (const auto& server : world.servers) {
            CHECK((server->blob(sender.hex()) == sender.body()));
            CHECK(server->seen().front().content_length == 100'000);
        }
    }
}

TEST_CASE("a body to be verified first that is dropped contacts nobody") {
    World world;
    Sender sender(world, {.body = make_bytes(5000), .verify_first = true, .left_out = {}});
    REQUIRE(sender.pour_all());
    sender->drop();
    world.flush_mover();
    CHECK(world.wait_for([&] { return world.mover.jobs() == 0; }));
    CHECK(world.engine.snapshot().started == 0);
    CHECK(world.memory.used() <= 256 * 1024);
}

TEST_CASE("an empty body is uploaded when it was verified first") {
    World world;
    Sender sender(world, {.body = "", .verify_first = true, .left_out = {}});
    CHECK(sender.send().verdict.status == 201);
    for (const auto& server : world.servers) CHECK(server->has_blob(sender.hex()));
}

TEST_CASE("a body to be verified first that finds no room is known to be lost") {
    World world({.memory = 0, .disk = 0});
    Sender sender(world, {.body = make_bytes(2 << 20), .verify_first = true, .left_out = {}});
    REQUIRE(sender.pour_all());
    CHECK(sender->status().body_lost);
    sender->drop();
}
