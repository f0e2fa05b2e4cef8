// Figures of the last minutes: what is old is forgotten, quantiles are near the truth.
#include "fleet/recent.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

using namespace espalier;
using base::Milliseconds;
using fleet::Durations;
using fleet::Recent;

namespace {

constexpr std::int64_t kNow = 29'000'000;

Milliseconds p50_of_one(std::int64_t ms) {
    Durations durations;
    durations.add(kNow, Milliseconds{ms});
    return durations.quantiles(kNow).p50;
}

}  // namespace

TEST_CASE("a duration is told to within an eighth, from nothing to half an hour") {
    for (const std::int64_t ms : {0, 1, 3, 4, 7, 8, 15, 100, 999, 12'345, 1'800'000}) {
        CAPTURE(ms);
        CHECK(std::abs(p50_of_one(ms).count() - ms) <= ms / 8);
    }
    for (std::int64_t ms = 1; ms < 5000; ++ms) CHECK(p50_of_one(ms - 1) <= p50_of_one(ms));
    CHECK(p50_of_one(100'000'000) > Milliseconds{3'000'000});
    CHECK(p50_of_one(-5) == Milliseconds{0});
}

TEST_CASE("half of the answers were as fast as p50, nineteen of twenty as p95") {
    Durations durations;
    std::vector<std::int64_t> all;
    for (int i = 0; i < 1000; ++i) {
        all.push_back((i * 7919) % 1000);
        durations.add(kNow, Milliseconds{all.back()});
    }
    std::ranges::sort(all);
    const auto found = durations.quantiles(kNow);
    CHECK(found.count == 1000);
    CHECK(std::abs(found.p50.count() - all[499]) <= all[499] / 8);
    CHECK(std::abs(found.p95.count() - all[949]) <= all[949] / 8);
}

TEST_CASE("durations count for the minute under way and the four before it") {
    Durations durations;
    durations.add(kNow, Milliseconds{2});
    CHECK(durations.quantiles(kNow + 4).count == 1);
    CHECK(durations.quantiles(kNow + 5).count == 0);
    durations.add(kNow + 5, Milliseconds{3});  // the same slot
    CHECK(durations.quantiles(kNow + 5).count == 1);
    CHECK(durations.quantiles(kNow + 5).p50 == Milliseconds{3});
}

TEST_CASE("successes and failures count for five minutes and for an hour") {
    Recent recent;
    CHECK_FALSE(recent.figures(kNow).last_hour.ratio());
    recent.count(kNow, false);
    for (int i = 0; i < 3; ++i) recent.count(kNow + 30, true);
    CHECK(recent.figures(kNow + 30).last_5_minutes.ratio() == 1.0);
    CHECK(recent.figures(kNow + 30).last_hour.ratio() == 0.75);
    CHECK_FALSE(recent.figures(kNow + 36).last_5_minutes.ratio());
    CHECK(recent.figures(kNow + 60).last_hour.ratio() == 1.0);
    CHECK_FALSE(recent.figures(kNow + 90).last_hour.ratio());
}
