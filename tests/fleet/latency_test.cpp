// How long things took, in steps.
#include "fleet/latency.h"

#include <doctest/doctest.h>

using namespace espalier;
using base::Milliseconds;
using fleet::Latency;
using fleet::LatencyCounts;

TEST_CASE("a duration is counted in the first step that holds it") {
    Latency latency;
    for (const auto ms : {0, 1, 2, 3, 30'000, 30'001, 1'000'000}) latency.add(Milliseconds{ms});
    const auto counts = latency.counts();
    CHECK(counts.counts.front() == 2);  // 0 and 1
    CHECK(counts.counts[1] == 1);       // 2
    CHECK(counts.counts[2] == 1);       // 3, up to 5
    CHECK(counts.counts[13] == 1);      // 30 s
    CHECK(counts.counts.back() == 2);
    CHECK(counts.count() == 7);
    CHECK(counts.sum_ms == 1'060'007);
}

TEST_CASE("a quantile lies within its step, and beyond the last bound at the bound") {
    LatencyCounts counts;
    CHECK_FALSE(counts.quantile(0.5));
    counts.counts[5] = 10;  // 20 to 50 ms
    CHECK(counts.quantile(0.5).value_or(0) == doctest::Approx(35));
    CHECK(counts.quantile(0.95).value_or(0) == doctest::Approx(48.5));
    counts.counts.back() = 90;
    CHECK(counts.quantile(0.5).value_or(0) == 30'000);
}

TEST_CASE("what came between two readings is their difference, never less than nothing") {
    LatencyCounts before, after;
    before.counts[2] = 3;
    before.counts[4] = 1;
    after.counts[2] = 5;
    after.sum_ms = 10;
    const auto between = after.since(before);
    CHECK(between.counts[2] == 2);
    CHECK(between.counts[4] == 0);
    CHECK(between.sum_ms == 10);
}
