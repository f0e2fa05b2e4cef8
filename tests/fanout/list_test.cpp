// One list out of several: what is merged, in which order, and which part of it is given.
#include "fanout/list.h"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "base/text.h"
#include "fanout/world.h"
#include "support/token.h"

namespace espalier::test {
namespace {

using fanout::ListedBlob;
using fanout::part_of;
using protocol::BlobHash;
using protocol::ListQuery;

constexpr std::uint32_t kUnknown = 0;

BlobHash hash_of(int n) {
    return BlobHash(base::Sha256::of(std::to_string(n)));
}

ListedBlob blob(int n, std::int64_t uploaded, fleet::UpstreamId server = 0) {
    ListedBlob made{.hash = hash_of(n), .size = 1, .uploaded = uploaded, .type = 1};
    made.servers.add(server);
    return made;
}

fanout::BlobList list_of(World& world, const std::vector<std::string>& tokens = {},
                         std::uint64_t bytes_max = 8ULL << 20U) {
    fanout::ListPlan plan{.pubkey = *protocol::PublicKey::parse(test_pubkey()),
                          .bytes_max = bytes_max,
                          .deadline = base::Deadline::after(kPatience)};
    for (const auto& upstream : world.fleet->upstreams())
        plan.targets.push_back(
            {upstream.id, upstream.id < tokens.size() ? tokens[upstream.id] : ""});
    return list_blobs(world.network(), plan);
}

}  // namespace

TEST_CASE("a blob that several servers have stands once, with all of them and its earliest time") {
    std::vector<ListedBlob> blobs{blob(1, 30, 0), blob(2, 20, 0), blob(1, 25, 1), blob(2, 0, 2)};
    blobs[0].size = 0;
    blobs[0].type = kUnknown;
    fanout::merge(blobs, kUnknown);
    REQUIRE(blobs.size() == 2);
    CHECK(blobs[0].hash == hash_of(1));
    CHECK(blobs[0].uploaded == 25);
    CHECK(blobs[0].servers.bits() == 0b011);
    CHECK(blobs[0].size == 1);
    CHECK(blobs[0].type == 1);
    CHECK(blobs[1].uploaded == 20);
    CHECK(blobs[1].servers.bits() == 0b101);
}

TEST_CASE("the order is total: newest first, ties by hash, whatever order the answers came in") {
    std::vector<ListedBlob> blobs;
    for (int i = 0; i < 60; ++i)
        blobs.push_back(blob(i % 40, i % 40 / 10, static_cast<fleet::UpstreamId>(i / 40)));
    auto expected = blobs;
    fanout::merge(expected, kUnknown);
    CHECK(expected.size() == 40);
    const auto before = [](const ListedBlob& a, const ListedBlob& b) {
        return a.uploaded != b.uploaded ? a.uploaded > b.uploaded : a.hash < b.hash;
    };
    CHECK(std::ranges::is_sorted(expected, before));
    std::mt19937 dice(3);
    for (int round = 0; round < 20; ++round) {
        std::ranges::shuffle(blobs, dice);
        auto shuffled = blobs;
        fanout::merge(shuffled, kUnknown);
        CHECK(std::ranges::equal(shuffled, expected, {}, &ListedBlob::hash, &ListedBlob::hash));
    }
}

TEST_CASE("pages by cursor give every blob once, in order") {
    std::vector<ListedBlob> blobs;
    for (int i = 0; i < 25; ++i) blobs.push_back(blob(i, i / 7));
    fanout::merge(blobs, kUnknown);
    std::vector<BlobHash> seen;
    ListQuery query{.cursor = {}, .since = {}, .until = {}, .limit = 4};
    for (;;) {
        const auto part = part_of(blobs, query);
        REQUIRE(part);
        if (part->empty()) break;
        for (const auto& one : *part) seen.push_back(one.hash);
        query.cursor = seen.back();
    }
    CHECK(std::ranges::equal(seen, blobs, {}, {}, &ListedBlob::hash));
}

TEST_CASE("since and until are inclusive, and a cursor that is not on the list is refused") {
    std::vector<ListedBlob> blobs;
    for (int i = 0; i < 10; ++i) blobs.push_back(blob(i, i));
    fanout::merge(blobs, kUnknown);
    const auto part = part_of(blobs, {.cursor = {}, .since = 3, .until = 6, .limit = 100});
    REQUIRE(part);
    REQUIRE(part->size() == 4);
    CHECK(part->front().uploaded == 6);
    CHECK(part->back().uploaded == 3);
    CHECK(part_of(blobs, {.cursor = {}, .since = 20, .until = {}, .limit = 9})->empty());
    CHECK(part_of(blobs, {.cursor = {}, .since = {}, .until = -1, .limit = 9})->empty());
    CHECK_FALSE(part_of(blobs, {.cursor = hash_of(77), .since = {}, .until = {}, .limit = 9}));
}

TEST_CASE("a server's pages are followed by its own cursor until one is short") {
    World world(WorldOptions{.servers = 1});
    for (int i = 0; i < 130; ++i)
        world.server(0).put_blob(std::to_string(i), "text/plain", test_pubkey(), 1000 + i / 3);
    world.server(0).edit([](Script& script) { script.list_page_max = 60; });
    const auto list = list_of(world);
    CHECK(list.blobs.size() == 130);
    CHECK(list.outcomes.at(0).kind == fleet::OutcomeKind::ok);
    CHECK(world.server(0).count("GET", "/list/") == 3);
}

TEST_CASE("a server that knows no cursor sends its first page again, which ends it") {
    World world(WorldOptions{.servers = 1});
    for (int i = 0; i < 130; ++i)
        world.server(0).put_blob(std::to_string(i), "text/plain", test_pubkey(), 1000 + i);
    world.server(0).edit([](Script& script) {
        script.list_page_max = 60;
        script.list_ignores_cursor = true;
    });
    const auto list = list_of(world);
    CHECK(list.blobs.size() == 60);
    CHECK(world.server(0).count("GET", "/list/") == 2);
}

TEST_CASE("a list that does not end is cut at its limit, and what came before counts") {
    World world(WorldOptions{.servers = 2});
    world.server(1).put_blob("other", "text/plain", test_pubkey(), 5);
    std::string endless = "[";
    for (int i = 0; i < 20'000; ++i)
        endless += base::text(R"({"sha256":")", hash_of(i).hex(), R"(","uploaded":)", i, "},");
    world.server(0).edit([&](Script& script) {
        script.hook = [endless](const Seen&) { return Answer{.headers = {}, .body = endless}; };
    });
    const auto list = list_of(world, {}, 200'000);
    CHECK(list.blobs.size() > 1000);
    CHECK(list.blobs.size() < 2500);
    CHECK(list.outcomes.at(0).kind == fleet::OutcomeKind::ok);
    CHECK(list.outcomes.at(0).reason == "its list is too long to be read whole");
    CHECK(list.blobs.back().hash == hash_of(0));
}

TEST_CASE("what is no array is the server's own fault, a refusal is not") {
    World world;
    world.server(0).edit([](Script& script) {
        script.hook = [](const Seen&) { return Answer{.headers = {}, .body = "<html>"}; };
    });
    world.server(1).edit([](Script& script) { script.on(Op::list).status = 401; });
    world.server(2).edit([](Script& script) {
        script.hook = [](const Seen&) { return Answer{.headers = {}, .body = R"([{"sha2)"}; };
    });
    const auto list = list_of(world);
    CHECK(list.blobs.empty());
    CHECK(list.outcomes.at(0).kind == fleet::OutcomeKind::upstream_fault);
    CHECK(list.outcomes.at(1).kind == fleet::OutcomeKind::client_fault);
    CHECK(list.outcomes.at(2).kind == fleet::OutcomeKind::upstream_fault);
    CHECK(world.snapshot(0).consecutive_failures == 1);
    CHECK(world.snapshot(1).consecutive_failures == 0);
}

TEST_CASE("each server gets the token that is meant for it") {
    World world;
    CHECK(list_of(world, {"Nostr a", "", "Nostr c"}).blobs.empty());
    CHECK(world.server(0).seen().at(0).headers.value("Authorization") == "Nostr a");
    CHECK_FALSE(world.server(1).seen().at(0).headers.has("Authorization"));
    CHECK(world.server(2).seen().at(0).headers.value("Authorization") == "Nostr c");
}

}  // namespace espalier::test
