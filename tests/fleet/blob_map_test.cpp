// What the map of blobs believes, for how long, and who makes room.
#include "fleet/blob_map.h"

#include <atomic>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include <doctest/doctest.h>

#include "blob_names.h"

using namespace espalier;
using base::Milliseconds;
using base::Seconds;
using fleet::BlobFacts;
using fleet::BlobMap;
using test::blob_name;

namespace {

// A map and a time that only tests move.
struct Fixture {
    explicit Fixture(std::size_t entries_max = 1000, Milliseconds ttl = Seconds{60})
        : map({.entries_max = entries_max, .ttl = ttl}), now(base::Steady::now() + Seconds{1}) {}

    void learn(std::size_t blob, fleet::UpstreamId server, const BlobFacts& facts = {}) {
        map.learn(blob_name(blob), server, facts, now);
    }
    std::uint64_t servers(std::size_t blob) {
        const auto entry = map.find(blob_name(blob), now);
        return entry ? entry->servers.bits() : 0;
    }
    bool knows(std::size_t blob) { return servers(blob) != 0; }

    BlobMap map;
    base::Steady::time_point now;
};

}  // namespace

TEST_CASE("a blob is known at the servers that confirmed it") {
    Fixture f;
    CHECK_FALSE(f.knows(1));
    f.learn(1, 0);
    f.learn(1, 5);
    f.learn(2, 63);
    CHECK(f.servers(1) == 0b100001);
    CHECK(f.servers(2) == 1ULL << 63U);
    CHECK(f.map.snapshot().entries == 2);
}

TEST_CASE("blobs are counted by how many copies they have, whatever happens to them") {
    Fixture f(4);
    const auto copies = [&] {
        const auto all = f.map.snapshot().copies;
        return std::vector<std::uint32_t>(all.begin(), all.begin() + 4);
    };
    f.learn(1, 0);
    f.learn(2, 0);
    f.learn(2, 1);
    f.learn(2, 1);
    f.learn(3, 5);
    CHECK(copies() == std::vector<std::uint32_t>{0, 2, 1, 0});
    f.map.forget(blob_name(2), 0);
    f.map.forget(blob_name(2), 7);
    CHECK(copies() == std::vector<std::uint32_t>{0, 3, 0, 0});
    f.map.forget(blob_name(1), 0);
    f.map.deleted(blob_name(3), f.now);
    f.map.forget(blob_name(99), 0);
    CHECK(copies() == std::vector<std::uint32_t>{0, 1, 0, 0});
    f.now += Seconds{1};
    for (std::size_t blob = 10; blob < 30; ++blob) f.learn(blob, 2);  // more than there is room for
    CHECK(copies() == std::vector<std::uint32_t>{0, 4, 0, 0});
    f.map.restore({blob_name(77), {.servers = fleet::UpstreamSet(0b111), .verified = f.now}});
    CHECK(copies() == std::vector<std::uint32_t>{0, 3, 0, 1});
}

TEST_CASE("a server that lacks the blob is taken off, and the entry with the last one") {
    Fixture f;
    f.learn(1, 0);
    f.learn(1, 5);
    f.map.forget(blob_name(1), 0);
    CHECK(f.servers(1) == 0b100000);
    f.map.forget(blob_name(1), 0);
    f.map.forget(blob_name(1), 5);
    CHECK_FALSE(f.knows(1));
    CHECK(f.map.snapshot().entries == 0);
    f.map.forget(blob_name(1), 5);
    f.map.forget(blob_name(9), 5);
}

TEST_CASE("a deleted blob is forgotten everywhere at once") {
    Fixture f;
    f.learn(1, 0);
    f.learn(1, 5);
    f.learn(2, 0);
    f.map.deleted(blob_name(1), f.now);
    CHECK_FALSE(f.knows(1));
    CHECK(f.knows(2));
}

TEST_CASE("a server asked before a delete cannot bring the blob back, one asked later can") {
    Fixture f;
    const auto before = f.now;
    f.now += Seconds{1};
    f.map.deleted(blob_name(1), f.now);
    f.map.learn(blob_name(1), 0, {}, before);
    CHECK_FALSE(f.knows(1));
    f.map.learn(blob_name(2), 0, {}, before);
    CHECK(f.knows(2));
    f.now += Milliseconds{1};
    f.learn(1, 0);
    CHECK(f.knows(1));
}

TEST_CASE("an entry is believed for its ttl and no longer") {
    Fixture f(1000, Seconds{60});
    f.learn(1, 0);
    f.now += Seconds{59};
    CHECK(f.knows(1));
    f.now += Seconds{2};
    CHECK_FALSE(f.knows(1));
}

TEST_CASE("being asked for does not make an entry younger, being confirmed does") {
    Fixture f(1000, Seconds{60});
    f.learn(1, 0);
    f.learn(2, 0);
    for (int i = 0; i < 50; ++i) {
        f.now += Seconds{1};
        CHECK(f.knows(1));
    }
    f.learn(2, 0);
    f.now += Seconds{20};
    CHECK_FALSE(f.knows(1));
    CHECK(f.knows(2));
}

TEST_CASE("what an expired entry said of other servers is not believed again") {
    Fixture f(1000, Seconds{60});
    f.learn(1, 0);
    f.learn(1, 1);
    f.now += Seconds{100};
    f.learn(1, 2);
    CHECK(f.servers(1) == 0b100);
}

TEST_CASE("facts are kept, and what a later server does not know does not erase them") {
    Fixture f;
    f.learn(1, 0,
            {.size = 123,
             .type = "image/png",
             .last_modified = 1'600'000'000,
             .sunset = 1'900'000'000});
    f.learn(1, 1, {.size = {}, .type = ""});
    const auto entry = f.map.find(blob_name(1), f.now);
    REQUIRE(entry);
    CHECK(entry->facts.size == 123);
    CHECK(entry->facts.type == "image/png");
    CHECK(entry->facts.last_modified == 1'600'000'000);
    CHECK(entry->facts.sunset == 1'900'000'000);
}

TEST_CASE("of several Sunsets the last one counts") {
    Fixture f;
    f.learn(1, 0, {.size = 1, .type = {}, .sunset = 2000});
    f.learn(1, 1, {.size = 1, .type = {}, .sunset = 3000});
    f.learn(1, 2, {.size = 1, .type = {}, .sunset = 1000});
    CHECK(f.map.find(blob_name(1), f.now)->facts.sunset == 3000);
}

TEST_CASE("unknown facts are said to be unknown, a size of zero is known") {
    Fixture f;
    f.learn(1, 0);
    CHECK(f.map.find(blob_name(1), f.now)->facts.size == std::nullopt);
    CHECK(f.map.find(blob_name(1), f.now)->facts.type.empty());
    f.learn(2, 0, {.size = 0, .type = {}});
    CHECK(f.map.find(blob_name(2), f.now)->facts.size == 0);
    f.learn(3, 0, {.size = 1ULL << 40U, .type = {}});
    CHECK(f.map.find(blob_name(3), f.now)->facts.size == 1ULL << 40U);
}

TEST_CASE("more media types than there is room for are unknown, never somebody else's") {
    Fixture f(5000);
    for (std::size_t i = 0; i < 2000; ++i)
        f.learn(i, 0, {.size = {}, .type = "type/" + std::to_string(i)});
    int unknown = 0;
    for (std::size_t i = 0; i < 2000; ++i) {
        const auto type = f.map.find(blob_name(i), f.now)->facts.type;
        if (type.empty())
            ++unknown;
        else
            CHECK(type == "type/" + std::to_string(i));
    }
    CHECK(unknown > 0);
    CHECK(unknown < 1100);
}

TEST_CASE("beyond its bound the map forgets the oldest unused entry, not the newest") {
    Fixture f(10);
    for (std::size_t blob = 0; blob < 30; ++blob) {
        f.learn(blob, 0);
        CHECK(f.map.snapshot().entries <= 10);
    }
    for (std::size_t blob = 0; blob < 20; ++blob) {
        CAPTURE(blob);
        CHECK_FALSE(f.knows(blob));
    }
    for (std::size_t blob = 20; blob < 30; ++blob) {
        CAPTURE(blob);
        CHECK(f.knows(blob));
    }
    CHECK(f.map.snapshot().evicted == 20);
}

TEST_CASE("an entry that is in use outlives those that nobody asks for") {
    Fixture f(10);
    f.learn(0, 0);
    for (std::size_t blob = 1; blob < 500; ++blob) {
        CHECK(f.knows(0));
        f.learn(blob, 0);
    }
    CHECK(f.knows(0));
}

TEST_CASE("a map whose entries are all in use still makes room") {
    Fixture f(10);
    for (std::size_t blob = 0; blob < 10; ++blob) f.learn(blob, 0);
    for (std::size_t blob = 0; blob < 10; ++blob) CHECK(f.knows(blob));
    f.learn(10, 0);
    CHECK(f.knows(10));
    CHECK(f.map.snapshot().entries == 10);
}

TEST_CASE("a map of one entry works") {
    Fixture f(1);
    for (std::size_t blob = 0; blob < 5; ++blob) {
        f.learn(blob, 0);
        CHECK(f.knows(blob));
        CHECK(f.map.snapshot().entries == 1);
    }
}

TEST_CASE("a re-check is claimed by one caller per interval") {
    Fixture f;
    f.learn(1, 0);
    const auto claims = [&](std::size_t blob) {
        return f.map.claim_check(blob_name(blob), f.now, Seconds{10});
    };
    CHECK_FALSE(claims(1));  // it has just been confirmed
    CHECK_FALSE(claims(2));  // unknown
    f.now += Seconds{11};
    CHECK(claims(1));
    CHECK_FALSE(claims(1));
    f.now += Seconds{5};
    CHECK_FALSE(claims(1));
    f.now += Seconds{6};
    CHECK(claims(1));
    f.learn(1, 0);
    f.now += Seconds{6};
    CHECK_FALSE(claims(1));
}

TEST_CASE("random operations leave the map as a plain hash table would be") {
    struct Twin {
        std::uint64_t servers = 0;
        std::optional<std::uint64_t> size;
        base::Steady::time_point verified;
    };
    const Seconds ttl{100};
    Fixture f(100'000, ttl);
    std::unordered_map<std::size_t, Twin> twin;
    std::mt19937 dice(7);  // NOLINT(cert-msc51-cpp): the same run every time
    const auto throw_below = [&](std::size_t end) { return dice() % end; };
    for (int step = 0; step < 60'000; ++step) {
        const auto blob = throw_below(3000);
        const auto server = static_cast<fleet::UpstreamId>(throw_below(64));
        switch (throw_below(8)) {
            case 0:
                f.now += Seconds{throw_below(40) == 0 ? 30 : 0};
                break;
            case 1:
                f.map.forget(blob_name(blob), server);
                if (auto& one = twin[blob]; (one.servers &= ~(1ULL << server)) == 0)
                    twin.erase(blob);
                break;
            case 2:
                if (throw_below(4) != 0) break;
                f.map.deleted(blob_name(blob), f.now);
                f.now += Milliseconds{1};
                twin.erase(blob);
                break;
            case 3:
            case 4:
            case 5: {
                const BlobFacts facts{.size = step, .type = {}};
                f.map.learn(blob_name(blob), server, facts, f.now);
                auto& one = twin[blob];
                if (f.now - one.verified > ttl) one.servers = 0;
                one = {one.servers | 1ULL << server, facts.size, f.now};
                break;
            }
            default: {
                const auto found = f.map.find(blob_name(blob), f.now);
                const auto known = twin.find(blob);
                const bool believed = known != twin.end() && f.now - known->second.verified <= ttl;
                REQUIRE(found.has_value() == believed);
                if (!believed) break;
                REQUIRE(found->servers.bits() == known->second.servers);
                REQUIRE(found->facts.size == known->second.size);
            }
        }
        if (step % 1000 == 0) REQUIRE(f.map.snapshot().entries == twin.size());
    }
}

TEST_CASE("a full map under random operations keeps to its bound and to the truth") {
    Fixture f(600);
    std::unordered_map<std::size_t, std::uint64_t> twin;  // every server ever learnt
    std::mt19937 dice(11);  // NOLINT(cert-msc51-cpp): the same run every time
    for (int step = 0; step < 60'000; ++step) {
        const std::size_t blob = dice() % 3000;
        const auto server = static_cast<fleet::UpstreamId>(dice() % 64);
        if (dice() % 4 == 0) {
            f.map.forget(blob_name(blob), server);
            twin[blob] &= ~(1ULL << server);
        } else if (dice() % 2 == 0) {
            f.learn(blob, server);
            twin[blob] |= 1ULL << server;
            REQUIRE((f.servers(blob) >> server & 1U) == 1);
        } else {
            REQUIRE((f.servers(blob) & ~twin[blob]) == 0);
        }
    }
    CHECK(f.map.snapshot().entries <= 600 + 2);
    CHECK(f.map.snapshot().evicted > 1000);
}

TEST_CASE("threads may learn, find, claim and forget at once") {
    BlobMap map({.entries_max = 2000, .ttl = Seconds{3600}});
    const auto now = base::Steady::now() + Seconds{1};
    std::atomic<int> wrong{0};
    std::vector<std::jthread> threads;
    for (unsigned id = 0; id < 4; ++id)
        threads.emplace_back([&, id] {
            std::mt19937 dice(id);  // NOLINT(cert-msc51-cpp): the same run every time
            for (int step = 0; step < 8000; ++step) {
                const std::size_t blob = dice() % 4000;
                const auto hash = blob_name(blob);
                if (dice() % 3 == 0)
                    map.learn(hash, static_cast<fleet::UpstreamId>(id),
                              {.size = blob, .type = "a/b"}, now);
                if (dice() % 9 == 0) map.forget(hash, static_cast<fleet::UpstreamId>(id));
                map.claim_check(hash, now + Seconds{step}, Seconds{10});
                const auto found = map.find(hash, now);
                if (found && (found->facts.size != blob || found->facts.type != "a/b")) ++wrong;
            }
        });
    threads.clear();
    CHECK(wrong == 0);
    CHECK(map.snapshot().entries <= 2000 + 7);
}

TEST_CASE("only servers that are served are given; what is known of the others stays") {
    Fixture f;
    f.learn(1, 0);
    f.learn(1, 5);
    f.learn(2, 0);
    f.map.serve_only(fleet::UpstreamSet(0b100000));
    CHECK(f.servers(1) == 0b100000);
    CHECK_FALSE(f.knows(2));
    f.map.serve_only(fleet::UpstreamSet(0b100001));
    CHECK(f.servers(1) == 0b100001);
    CHECK(f.servers(2) == 0b1);
}

TEST_CASE("what one map knows another one believes for as long as the first would have") {
    Fixture f;
    f.learn(1, 3, {.size = 12, .type = "image/png", .last_modified = 1000, .sunset = 2000});
    f.now += Seconds{40};
    const auto known = f.map.newest(10, f.now);
    REQUIRE(known.size() == 1);
    Fixture later;
    later.now = f.now;
    later.map.restore(known.front());
    const auto entry = later.map.find(blob_name(1), later.now);
    REQUIRE(entry);
    CHECK(entry->servers.bits() == 0b1000);
    CHECK(entry->facts.size == 12);
    CHECK(entry->facts.type == "image/png");
    CHECK(entry->facts.last_modified == 1000);
    CHECK(entry->facts.sunset == 2000);
    // It was confirmed 40 of its 60 seconds ago, so that a check is due.
    CHECK(later.map.claim_check(blob_name(1), later.now, Seconds{30}));
    later.now += Seconds{25};
    CHECK_FALSE(later.knows(1));
}

TEST_CASE("what is learnt goes before what an earlier process knew") {
    Fixture f;
    f.learn(1, 3);
    f.map.restore(
        {blob_name(1), {.servers = fleet::UpstreamSet(0b1), .facts = {}, .verified = {}}});
    CHECK(f.servers(1) == 0b1000);
}

TEST_CASE("the newest entries come first, as many as asked for, and none that is too old") {
    Fixture f(100'000);
    f.learn(0, 1);
    f.now += Seconds{61};
    for (std::size_t blob = 1; blob <= 1000; ++blob) {
        if (blob == 991) f.now += Seconds{10};
        f.learn(blob, 1);
    }
    CHECK(f.map.newest(5000, f.now).size() == 1000);
    const auto newest = f.map.newest(10, f.now);
    REQUIRE(newest.size() == 10);
    for (const auto& blob : newest) CHECK(f.now - blob.entry.verified < Seconds{5});
}
