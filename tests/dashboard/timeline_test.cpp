// How readings of counters become samples.
#include "dashboard/timeline.h"

#include <doctest/doctest.h>

using namespace espalier;
using dashboard::Reading;
using dashboard::Timeline;

TEST_CASE("a sample is the difference between two readings, by the second") {
    Timeline timeline;
    timeline.read(1000, {.requests = 10, .bytes_up = 100, .lookups = {}, .uploads = {}});
    CHECK(timeline.samples().empty());
    Reading next{.requests = 20, .bytes_up = 1100, .bytes_down = 50, .lookups = {}, .uploads = {}};
    next.lookups.counts[3] = 4;  // 5 to 10 ms
    timeline.read(1005, next);
    const auto samples = timeline.samples();
    REQUIRE(samples.size() == 1);
    CHECK(samples[0].at == 1005);
    CHECK(samples[0].requests == 2);
    CHECK(samples[0].bytes_up == 200);
    CHECK(samples[0].bytes_down == 10);
    CHECK(samples[0].lookup_p50.value_or(0) == doctest::Approx(7.5));
    CHECK_FALSE(samples[0].upload_p50);
}

TEST_CASE("counters that have fallen, because a server has left, count as nothing") {
    Timeline timeline;
    timeline.read(1000, {.requests = 10, .bytes_up = 5000, .lookups = {}, .uploads = {}});
    timeline.read(1005, {.requests = 10, .bytes_up = 100, .lookups = {}, .uploads = {}});
    CHECK(timeline.samples().at(0).bytes_up == 0);
}

TEST_CASE("fifteen minutes are kept, and a clock that stands still adds nothing") {
    Timeline timeline;
    for (std::int64_t i = 0; i <= 200; ++i) timeline.read(i * 5, {.lookups = {}, .uploads = {}});
    timeline.read(1000, {.lookups = {}, .uploads = {}});
    CHECK(timeline.samples().size() == Timeline::kSamples);
    CHECK(timeline.samples().front().at == 1000 - 179 * 5);
    CHECK(timeline.samples(990).size() == 2);
}

TEST_CASE("a reading is the sum over all servers") {
    std::vector<fleet::UpstreamSnapshot> two(2);
    two[0].bytes_up = 1;
    two[1].bytes_up = 2;
    two[0].lookups_took.counts[0] = 3;
    two[1].lookups_took.counts[0] = 4;
    const auto sum = dashboard::reading_of(9, two);
    CHECK(sum.requests == 9);
    CHECK(sum.bytes_up == 3);
    CHECK(sum.lookups.count() == 7);
}
