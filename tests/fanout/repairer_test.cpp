// Copies that are missing are brought, by whom they may be brought, and no others.
#include "fanout/repairer.h"

#include <doctest/doctest.h>

#include "support/token.h"
#include "world.h"

using namespace espalier;
using namespace espalier::test;
using base::Milliseconds;
using base::Seconds;
using fanout::RepairEnd;

namespace {

constexpr std::int64_t kLater = 4'000'000'000;
constexpr std::uint8_t kService = 9;  // its key's number
constexpr fleet::UpstreamId kLast = 2;

struct FixtureOptions {
    bool service_key = true;
    Milliseconds interval{20};
    int copies_wanted = 0;
};

// The third server lacks what the other two have.
struct Fixture {
    explicit Fixture(const FixtureOptions& wanted = {})
        : resources(world.resources()),
          service_key(wanted.service_key ? std::optional(test_key(kService)) : std::nullopt),
          repairer({.interval = wanted.interval,
                    .copies_wanted = wanted.copies_wanted,
                    .first_pause = Milliseconds{1},
                    .longest_pause = Milliseconds{5}},
                   world.network(), world.mover, resources, live_writes, service_key) {
        last().edit([](Script& script) {
            script.auth.required = {Op::upload, Op::mirror};
            script.auth.require_x = true;
            script.auth.verify = true;
        });
    }
    // Its Jobs point at the Repairer.
    ~Fixture() { world.mover.stop(base::Deadline::after(Milliseconds{0})); }

    FakeServer& last() { return world.server(kLast); }
    std::string url(fleet::UpstreamId id) { return world.fleet->at(id).url.text(); }
    protocol::BlobHash store(const std::string& body = "a blob") {
        world.server(0).put_blob(body, "image/png");
        world.server(1).put_blob(body, "image/png");
        return protocol::BlobHash(base::Sha256::of(body));
    }
    void miss(const protocol::BlobHash& hash) {
        CHECK(world.ledger->add_missing(hash, {url(kLast)}, 1, test_pubkey(1)));
        repairer.expect({});
    }
    protocol::BlobHash store_and_miss(const std::string& body = "a blob") {
        const auto hash = store(body);
        miss(hash);
        return hash;
    }
    // The uploader's token is kept.
    void expect(const protocol::BlobHash& hash, std::int64_t until = kLater) {
        repairer.expect({{.hash = hash,
                          .server = kLast,
                          .authorization = token({.xs = {hash.hex()}}),
                          .until = until,
                          .owner = test_pubkey(1)}});
    }
    std::uint64_t ended(RepairEnd end) {
        return repairer.snapshot().ended.at(static_cast<std::size_t>(end));
    }
    bool ends(RepairEnd end, std::uint64_t times = 1) {
        return world.wait_for([&] { return ended(end) >= times; });
    }
    bool none_missing() {
        return world.wait_for([&] { return world.ledger->missing_count() == 0; });
    }
    void no_mirror() {
        last().edit([](Script& script) { script.on(Op::mirror).status = 404; });
    }

    World world;
    fanout::Upload::Resources resources;
    fanout::LiveWrites live_writes;
    fanout::ServiceKey service_key;
    fanout::Repairer repairer;
};

}  // namespace

TEST_CASE("a missing copy is brought with the service key, and struck off") {
    Fixture f;
    f.last().edit([](Script& script) { script.auth.pubkeys = {test_pubkey(kService)}; });
    const auto hash = f.store_and_miss();
    f.repairer.start();
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.last().has_blob(hash.hex()));
    CHECK(f.none_missing());
    CHECK(f.world.wait_for([&] { return f.world.lists(hash, kLast); }));
    // Its owner can have it deleted.
    const auto kept = f.world.ledger->kept_for(test_pubkey(1));
    REQUIRE(kept.size() == 1);
    CHECK(kept.front().hash == hash);
    CHECK(kept.front().server_url == f.url(kLast));
}

TEST_CASE("where mirroring does not work the blob is fetched, checked and uploaded") {
    Fixture f;
    f.no_mirror();
    const auto hash = f.store_and_miss(std::string(700'000, 'x'));
    f.repairer.start();
    CHECK(f.ends(RepairEnd::uploaded));
    CHECK(f.last().has_blob(hash.hex()));
    CHECK(f.none_missing());
}

TEST_CASE("the uploader's own token is used while it is kept, and nothing is noted as ours") {
    Fixture f({.service_key = false});
    f.last().edit([](Script& script) { script.auth.pubkeys = {test_pubkey(1)}; });
    const auto hash = f.store_and_miss();
    f.repairer.start();
    f.expect(hash);
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.none_missing());
    CHECK(f.world.ledger->kept(hash).empty());
    CHECK(f.world.wait_for([&] { return f.repairer.snapshot().errands == 0; }));
}

TEST_CASE("without a token that is good a copy waits, and keeps no other from its turn") {
    Fixture f({.service_key = false});
    const auto waiting = f.store_and_miss("a blob");
    const auto expired = f.store_and_miss("another blob");
    const auto other = f.store_and_miss("a third blob");
    f.repairer.start();
    f.expect(expired, f.world.clock.unix_now() - 1);
    f.expect(other);
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.last().has_blob(other.hex()));
    CHECK(f.world.wait_for([&] { return f.world.ledger->missing_count() == 2; }));
    CHECK(f.last().count("HEAD", "/" + waiting.hex()) == 0);
    CHECK(f.last().count("HEAD", "/" + expired.hex()) == 0);
}

TEST_CASE("a token that is refused gives way to the service key") {
    Fixture f;
    f.last().edit([](Script& script) { script.auth.pubkeys = {test_pubkey(kService)}; });
    const auto hash = f.store_and_miss();
    f.expect(hash);
    f.repairer.start();
    CHECK(f.ends(RepairEnd::unauthorized));
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.last().has_blob(hash.hex()));
}

TEST_CASE("a server that has the blob already is only struck off") {
    Fixture f;
    f.store_and_miss();
    f.last().put_blob("a blob");
    f.repairer.start();
    CHECK(f.ends(RepairEnd::there_already));
    CHECK(f.none_missing());
    CHECK(f.last().count("PUT") == 0);
}

TEST_CASE("what was deleted is not brought back") {
    Fixture f;
    const auto hash = f.store();
    REQUIRE(f.world.ledger->bury(hash, test_pubkey(1), kLater, 0));
    f.miss(hash);
    f.repairer.start();
    CHECK(f.none_missing());
    CHECK(f.last().count("PUT") == 0);
}

TEST_CASE("a delete ends a repair that is under way") {
    for (const auto op : {Op::mirror, Op::upload}) {
        CAPTURE(op == Op::mirror);
        Fixture f;
        if (op == Op::upload) f.no_mirror();
        f.last().edit([&](Script& script) { script.on(op).before_body.hold = true; });
        const auto hash = f.store_and_miss();
        f.repairer.start();
        CHECK(f.last().wait_for_requests("PUT", op == Op::mirror ? "/mirror" : "/upload"));
        f.live_writes.cut(hash, test_pubkey(1));
        CHECK(f.ends(RepairEnd::deleted));
        // What has reached the server by then may be stored yet: the delete asks again for it.
        CHECK_FALSE(f.last().has_blob(hash.hex()));
        f.last().edit([&](Script& script) { script.on(op).before_body.hold = false; });
    }
}

TEST_CASE("while a delete is under way nobody begins to bring the blob") {
    struct Mark : fanout::Write {
        void cut() override {}
    };
    Fixture f;
    auto mark = std::make_shared<Mark>();
    const auto hash = f.store_and_miss("a blob");
    f.live_writes.add(hash, "", mark);
    f.expect(hash);
    f.store_and_miss("another blob");
    f.repairer.start();
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.last().count("HEAD", "/" + hash.hex()) == 0);
    REQUIRE(f.world.ledger->bury(hash, test_pubkey(1), kLater, 0));
    mark.reset();
    CHECK(f.none_missing());
    CHECK_FALSE(f.last().has_blob(hash.hex()));
}

TEST_CASE("what a client's own write still brings is left to it") {
    struct Busy : fanout::Write {
        void cut() override {}
    };
    Fixture f;
    auto busy = std::make_shared<Busy>();
    const auto hash = f.store_and_miss("a blob");
    f.live_writes.add(hash, test_pubkey(1), busy);
    f.store_and_miss("another blob");
    f.repairer.start();
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.last().count("HEAD", "/" + hash.hex()) == 0);
    busy.reset();
    CHECK(f.ends(RepairEnd::mirrored, 2));
}

TEST_CASE("a server in bad state is left alone until it answers again, then it is its turn") {
    Fixture f({.interval = Seconds{3600}});
    const auto hash = f.store_and_miss();
    const fleet::Outcome fault{.upstream = kLast,
                               .kind = fleet::OutcomeKind::upstream_fault,
                               .broken = fleet::Break::refused,
                               .reason = "refused"};
    for (int i = 0; i < 5; ++i) f.world.fleet->record(fleet::Op::probe, fault);
    REQUIRE_FALSE(f.world.fleet->healthy(kLast));
    f.repairer.start();
    f.world.flush_mover();
    CHECK(f.last().seen().empty());
    f.world.fleet->record(fleet::Op::probe,
                          {.upstream = kLast, .kind = fleet::OutcomeKind::ok, .reason = {}});
    CHECK(f.ends(RepairEnd::mirrored));
    CHECK(f.last().has_blob(hash.hex()));
}

TEST_CASE("no more copies are brought than are wanted") {
    Fixture f({.copies_wanted = 2});
    f.store_and_miss();
    f.repairer.start();
    CHECK(f.ends(RepairEnd::needless));
    CHECK(f.none_missing());
    CHECK(f.last().count("PUT") == 0);
}

TEST_CASE("what no server has any more is given up; what one may have is not") {
    Fixture f;
    f.miss(protocol::BlobHash(base::Sha256::of("lost")));
    f.repairer.start();
    CHECK(f.ends(RepairEnd::hopeless));
    CHECK(f.none_missing());
    f.world.server(1).edit([](Script& script) { script.on(Op::head).status = 500; });
    const std::string body = "on the second only";
    f.world.server(1).put_blob(body);
    const protocol::BlobHash hash(base::Sha256::of(body));
    f.miss(hash);
    CHECK(f.ends(RepairEnd::failed));
    CHECK(f.world.ledger->missing(5).front().hash == hash);
}

TEST_CASE("bytes of another hash reach no server; another origin is asked") {
    Fixture f;
    f.no_mirror();
    const auto lie = [](Script& script) { script.wrong_byte = 0; };
    f.world.server(0).edit(lie);
    const auto hash = f.store_and_miss();
    f.repairer.start();
    CHECK(f.ends(RepairEnd::uploaded));
    CHECK(f.last().blob(hash.hex()) == "a blob");
    f.world.server(1).edit(lie);
    const auto another = f.store_and_miss("another blob");
    f.last().forget_seen();
    CHECK(f.ends(RepairEnd::failed));
    CHECK_FALSE(f.last().has_blob(another.hex()));
    CHECK(f.last().count("PUT", "/upload") == 0);
}

TEST_CASE("many are worked off, a few at a time") {
    Fixture f;
    f.last().edit([](Script& script) { script.uploads_max = 4; });
    f.no_mirror();
    constexpr int kBlobs = 150;  // more than a page
    for (int i = 0; i < kBlobs; ++i) f.store_and_miss(std::to_string(i));
    f.repairer.start();
    CHECK(f.ends(RepairEnd::uploaded, kBlobs));
    CHECK(f.none_missing());
    CHECK(f.ended(RepairEnd::failed) == 0);
}
