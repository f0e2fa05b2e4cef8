// Which writes a delete ends.
#include "fanout/live_writes.h"

#include <doctest/doctest.h>

#include "base/sha256.h"

namespace espalier::test {
namespace {

struct Recorder : fanout::Write {
    explicit Recorder(bool is_one = false) : repair(is_one) {}
    void cut() override { ++cuts; }
    bool is_repair() const override { return repair; }
    const bool repair;
    int cuts = 0;
};

protocol::BlobHash blob(int n) {
    return protocol::BlobHash(base::Sha256::of(std::to_string(n)));
}

}  // namespace

TEST_CASE("those of the same blob and owner are cut, once, and no others") {
    fanout::LiveWrites writes;
    const auto first = std::make_shared<Recorder>();
    const auto second = std::make_shared<Recorder>();
    const auto others = std::make_shared<Recorder>();
    const auto another_blob = std::make_shared<Recorder>();
    writes.add(blob(1), "me", first);
    writes.add(blob(1), "me", second);
    writes.add(blob(1), "you", others);
    writes.add(blob(2), "me", another_blob);
    writes.cut(blob(1), "me");
    writes.cut(blob(1), "me");
    CHECK(first->cuts == 1);
    CHECK(second->cuts == 1);
    CHECK(others->cuts == 0);
    CHECK(another_blob->cuts == 0);
}

TEST_CASE("a write is under way until it is gone; a repair is none of a client's") {
    fanout::LiveWrites writes;
    auto write = std::make_shared<Recorder>();
    const auto repair = std::make_shared<Recorder>(true);
    writes.add(blob(1), "me", write);
    writes.add(blob(1), "me", repair);
    writes.add(blob(2), "me", repair);
    CHECK(writes.under_way(blob(1)));
    CHECK_FALSE(writes.under_way(blob(2)));
    CHECK_FALSE(writes.under_way(blob(3)));
    write.reset();
    CHECK_FALSE(writes.under_way(blob(1)));
}

TEST_CASE("those that have ended are forgotten") {
    fanout::LiveWrites writes;
    const auto alive = std::make_shared<Recorder>();
    writes.add(blob(0), "me", alive);
    for (int i = 1; i < 10'000; ++i) writes.add(blob(i), "me", std::make_shared<Recorder>());
    CHECK(writes.size() < 1'000);
    writes.cut(blob(5), "me");
    writes.cut(blob(0), "me");
    CHECK(alive->cuts == 1);
}

}  // namespace espalier::test
