// The order in which a client is sent to replicas.
#include "fleet/rank.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include <doctest/doctest.h>

using namespace espalier;
using fleet::Candidate;
using fleet::rank;
using fleet::Strategy;
using Ids = std::vector<int>;

namespace {

constexpr std::array kStrategies{Strategy::round_robin, Strategy::random,  Strategy::health_based,
                                 Strategy::priority,    Strategy::fastest, Strategy::local};

std::vector<Candidate> candidates(int count) {
    std::vector<Candidate> all;
    for (int id = 0; id < count; ++id) all.push_back({.id = static_cast<fleet::UpstreamId>(id)});
    return all;
}

Ids ranked(std::vector<Candidate> all, Strategy strategy, std::uint64_t dice = 0) {
    rank(all, strategy, dice);
    Ids ids;
    for (const auto& candidate : all) ids.push_back(candidate.id);
    return ids;
}

}  // namespace

TEST_CASE("whatever the strategy, suspect and unhealthy replicas come last") {
    auto all = candidates(4);
    all[0].healthy = false;
    all[1].suspect = true;
    for (auto& candidate : all) candidate.priority = candidate.id;  // the ill ones are preferred
    for (const auto strategy : kStrategies)
        for (std::uint64_t dice = 0; dice < 16; ++dice) {
            const auto ids = ranked(all, strategy, dice);
            CHECK(ids[0] >= 2);
            CHECK(ids[1] >= 2);
        }
}

TEST_CASE("what the client was just given comes behind its equals, but before the ill ones") {
    auto all = candidates(3);
    all[0].just_given = true;
    all[2].suspect = true;
    for (const auto strategy : kStrategies)
        for (std::uint64_t dice = 0; dice < 8; ++dice)
            CHECK(ranked(all, strategy, dice) == Ids{1, 0, 2});
}

TEST_CASE("a draining replica comes behind every other good one, but before the ill ones") {
    auto all = candidates(4);
    all[0].draining = true;
    all[2].suspect = true;
    all[3].just_given = true;
    for (const auto strategy : kStrategies)
        for (std::uint64_t dice = 0; dice < 8; ++dice)
            CHECK(ranked(all, strategy, dice) == Ids{1, 3, 0, 2});
}

TEST_CASE("the only good replica is given again") {
    auto all = candidates(2);
    all[0].just_given = true;
    all[1].healthy = false;
    for (const auto strategy : kStrategies) CHECK(ranked(all, strategy).front() == 0);
}

TEST_CASE("round_robin and local give every good replica its turn") {
    for (const auto strategy : {Strategy::round_robin, Strategy::local}) {
        CHECK(ranked(candidates(3), strategy, 0) == Ids{0, 1, 2});
        CHECK(ranked(candidates(3), strategy, 1) == Ids{1, 2, 0});
        CHECK(ranked(candidates(3), strategy, 2) == Ids{2, 0, 1});
        CHECK(ranked(candidates(3), strategy, 3) == Ids{0, 1, 2});
    }
}

TEST_CASE("turns are shared fairly by the good ones, whoever is ill") {
    auto all = candidates(4);
    all[1].healthy = false;
    std::map<int, int> turns;
    for (std::uint64_t dice = 0; dice < 3000; ++dice)
        ++turns[ranked(all, Strategy::round_robin, dice).front()];
    CHECK(turns == std::map<int, int>{{0, 1000}, {2, 1000}, {3, 1000}});
}

TEST_CASE("who has more weight gets more turns and more luck, but is not preferred otherwise") {
    auto all = candidates(4);
    all[1].weight = 3;
    all[2].weight = 5;
    all[2].healthy = false;
    std::map<int, int> turns, luck;
    for (std::uint64_t dice = 0; dice < 5000; ++dice) {
        ++turns[ranked(all, Strategy::round_robin, dice).front()];
        ++luck[ranked(all, Strategy::random, dice * 0x9e3779b97f4a7c15ULL).front()];
    }
    CHECK(turns == std::map<int, int>{{0, 1000}, {1, 3000}, {3, 1000}});
    CHECK(luck.size() == 3);
    CHECK(luck[1] > 2850);
    CHECK(luck[1] < 3150);
    CHECK(ranked(all, Strategy::priority) == Ids{0, 1, 3, 2});
}

TEST_CASE("the order of arrival does not matter") {
    auto reversed = candidates(5);
    std::ranges::reverse(reversed);
    for (const auto strategy : kStrategies)
        CHECK(ranked(candidates(5), strategy, 3) == ranked(reversed, strategy, 3));
}

TEST_CASE("random spreads evenly over the replicas") {
    std::map<int, int> first;
    constexpr int kThrows = 10'000;
    for (std::uint64_t dice = 0; dice < kThrows; ++dice)
        ++first[ranked(candidates(4), Strategy::random, dice * 0x9e3779b97f4a7c15ULL).front()];
    for (int id = 0; id < 4; ++id) {
        CAPTURE(id);
        CHECK(first[id] > kThrows / 4 * 9 / 10);
        CHECK(first[id] < kThrows / 4 * 11 / 10);
    }
}

TEST_CASE("priority prefers the lowest number, then the configured order") {
    auto all = candidates(4);
    all[0].priority = 2;
    all[1].priority = 1;
    all[2].priority = 2;
    all[3].priority = -1;
    CHECK(ranked(all, Strategy::priority) == Ids{3, 1, 0, 2});
}

TEST_CASE("health_based prefers fewer faults in a row, then priority") {
    auto all = candidates(4);
    all[0].failures = 2;
    all[1].failures = 1;
    all[1].priority = 9;
    all[2].failures = 1;
    all[2].priority = 3;
    CHECK(ranked(all, Strategy::health_based) == Ids{3, 2, 1, 0});
}

TEST_CASE("fastest goes by the measured p50, and puts the unmeasured last") {
    auto all = candidates(4);
    all[0].priority = -9;
    all[1].lookup_p50 = base::Milliseconds{30};
    all[2].lookup_p50 = base::Milliseconds{0};
    all[3].lookup_p50 = base::Milliseconds{29};
    for (std::uint64_t dice = 0; dice < 16; ++dice)
        CHECK(ranked(all, Strategy::fastest, dice) == Ids{2, 3, 1, 0});
    all[2].suspect = true;
    CHECK(ranked(all, Strategy::fastest) == Ids{3, 1, 0, 2});
}

TEST_CASE("equally fast replicas share the clients") {
    auto all = candidates(3);
    for (auto& candidate : all) candidate.lookup_p50 = base::Milliseconds{5};
    all[1].lookup_p50 = base::Milliseconds{6};
    std::map<int, int> first;
    for (std::uint64_t dice = 0; dice < 1000; ++dice) {
        const auto ids = ranked(all, Strategy::fastest, dice);
        ++first[ids[0]];
        CHECK(ids[2] == 1);
    }
    CHECK(first[0] > 400);
    CHECK(first[2] > 400);
}

TEST_CASE("no candidates and one candidate are ranked as well") {
    for (const auto strategy : kStrategies) {
        CHECK(ranked({}, strategy, 7).empty());
        CHECK(ranked(candidates(1), strategy, 7) == Ids{0});
    }
}
