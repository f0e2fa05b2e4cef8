// Copies that a delete did not reach are asked for again, as long as that makes sense.
#include "fanout/remainders.h"

#include <doctest/doctest.h>

#include "support/token.h"
#include "world.h"

using namespace espalier;
using namespace espalier::test;

namespace {

constexpr std::int64_t kLater = 4'000'000'000;

struct Fixture {
    explicit Fixture(std::size_t at_once_max = 1000)
        : remainders({.at_once_max = at_once_max,
                      .first_pause = base::Milliseconds{1},
                      .longest_pause = base::Milliseconds{4}},
                     world.network(), world.mover, *world.ledger, world.confirmer) {
        CHECK(world.ledger->bury(hash, "", kLater, 0));
        world.server(0).put_blob("a blob");
    }
    // Its Jobs point at the Remainders.
    ~Fixture() { world.mover.stop(base::Deadline::after(base::Milliseconds{0})); }

    // Deletes are answered so, `times` of them, or all.
    void answer(int status, int times = 0) {
        world.server(0).edit([&](Script& script) {
            script.on(Op::remove).status = status;
            script.on(Op::remove).times = times;
        });
    }
    void retry(std::int64_t until = kLater) {
        remainders.retry(
            {.hash = hash, .server = 0, .authorization = authorization, .until = until});
    }
    bool deletes_reach(std::size_t n) { return world.server(0).wait_for_requests("DELETE", "", n); }
    bool over() {
        return world.wait_for([&] { return remainders.snapshot().waiting == 0; });
    }

    World world;
    const protocol::BlobHash hash{base::Sha256::of("a blob")};
    const std::string authorization = token({.verb = "delete", .xs = {hash.hex()}});
    fanout::Remainders remainders;
};

}  // namespace

TEST_CASE("a server that failed is asked again until it has deleted the blob") {
    Fixture f;
    f.answer(500, 3);
    f.retry();
    CHECK(f.over());
    CHECK(f.remainders.snapshot().deleted == 1);
    CHECK(f.world.server(0).count("DELETE") == 4);
    CHECK(f.world.server(0).seen().front().headers.value("Authorization") == f.authorization);
    CHECK_FALSE(f.world.server(0).has_blob(f.hash.hex()));
}

TEST_CASE("a copy that is gone already is as good as deleted") {
    Fixture f;
    f.world.server(0).drop_blob(f.hash.hex());
    f.retry();
    CHECK(f.over());
    CHECK(f.remainders.snapshot().deleted == 1);
}

TEST_CASE("what was cut on its way there may arrive yet, and is deleted then") {
    Fixture f;
    f.world.server(0).drop_blob(f.hash.hex());
    f.remainders.retry({.hash = f.hash,
                        .server = 0,
                        .authorization = f.authorization,
                        .until = kLater,
                        .doubt = base::Seconds{3600}});
    CHECK(f.deletes_reach(2));
    f.world.server(0).put_blob("a blob");
    CHECK(f.world.wait_for([&] { return !f.world.server(0).has_blob(f.hash.hex()); }));
    CHECK(f.remainders.snapshot().waiting == 1);
}

TEST_CASE("a refusal, and the end of the token, end the retries") {
    Fixture f;
    f.answer(403);
    f.retry();
    CHECK(f.over());
    CHECK(f.world.server(0).count("DELETE") == 1);
    f.retry(f.world.clock.unix_now() - 1);
    CHECK(f.over());
    CHECK(f.world.server(0).count("DELETE") == 1);
    CHECK(f.remainders.snapshot().given_up == 2);
}

TEST_CASE("who stores the blob anew ends the retries") {
    Fixture f;
    f.answer(503);
    f.retry();
    CHECK(f.deletes_reach(2));
    CHECK(f.world.ledger->exhume(f.hash));
    CHECK(f.over());
    f.answer(0);
    CHECK(f.remainders.snapshot().given_up == 1);
    CHECK(f.world.server(0).has_blob(f.hash.hex()));
}

TEST_CASE("more than the limit are turned away") {
    Fixture f(2);
    f.answer(503);
    for (int i = 0; i < 3; ++i) f.retry();
    CHECK(f.remainders.snapshot().waiting == 2);
    CHECK(f.remainders.snapshot().turned_away == 1);
    f.answer(0);
    CHECK(f.over());
    CHECK(f.remainders.snapshot().deleted == 2);
}
