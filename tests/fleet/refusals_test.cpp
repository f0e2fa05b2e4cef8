// What an upstream refused is remembered, for a while, and not against the evidence.
#include "fleet/refusals.h"

#include <string>

#include <doctest/doctest.h>

using namespace espalier;
using fleet::Refusals;

namespace {

constexpr base::Seconds kTtl{3600};

Refusals::Time after(base::Seconds seconds) {
    return Refusals::Time{} + base::Seconds{1'000'000} + seconds;
}
const auto kNow = after(base::Seconds{0});

}  // namespace

TEST_CASE("a size that was refused rules out itself and more, the smallest one counts") {
    Refusals refusals;
    CHECK_FALSE(refusals.covers_size(~0ULL, kNow));
    refusals.refused_size(500, kNow, kTtl);
    refusals.refused_size(100, kNow, kTtl);
    refusals.refused_size(300, kNow, kTtl);
    CHECK(refusals.covers_size(100, kNow));
    CHECK(refusals.covers_size(101, kNow));
    CHECK_FALSE(refusals.covers_size(99, kNow));
    CHECK(refusals.known(kNow) == Refusals::Known{.bytes_from = 100, .types = {}});
}

TEST_CASE("a body that is taken disproves what was known of sizes up to its own") {
    Refusals refusals;
    refusals.refused_size(100, kNow, kTtl);
    refusals.accepted(99, "image/png");
    CHECK(refusals.covers_size(100, kNow));
    refusals.accepted(100, "image/png");
    CHECK_FALSE(refusals.covers_size(1'000'000, kNow));
}

TEST_CASE("a type that was refused rules out itself, until one is taken") {
    Refusals refusals;
    refusals.refused_type("image/png", kNow, kTtl);
    CHECK(refusals.covers_type("image/png", kNow));
    CHECK_FALSE(refusals.covers_type("image/jpeg", kNow));
    refusals.accepted(1, "image/jpeg");
    CHECK(refusals.known(kNow).types == std::vector<std::string>{"image/png"});
    refusals.accepted(1, "image/png");
    CHECK_FALSE(refusals.covers_type("image/png", kNow));
}

TEST_CASE("a rule ends with its time, and begins anew when it is confirmed") {
    Refusals refusals;
    refusals.refused_size(100, kNow, kTtl);
    refusals.refused_type("image/png", kNow, kTtl);
    const auto last = after(kTtl - base::Seconds{1});
    CHECK(refusals.covers_size(100, last));
    CHECK(refusals.covers_type("image/png", last));
    CHECK_FALSE(refusals.covers_size(100, after(kTtl)));
    CHECK_FALSE(refusals.covers_type("image/png", after(kTtl)));
    CHECK(refusals.known(after(kTtl)) == Refusals::Known{});
    refusals.refused_size(200, last, kTtl);
    CHECK(refusals.covers_size(100, after(kTtl)));
    // What has ended is no measure any more.
    refusals.refused_size(900, after(kTtl * 3), kTtl);
    CHECK_FALSE(refusals.covers_size(100, after(kTtl * 3)));
}

TEST_CASE("only so many types are remembered, the newest ones") {
    Refusals refusals;
    const auto name = [](std::size_t i) { return "x/" + std::to_string(i); };
    for (std::size_t i = 0; i <= Refusals::kTypesMax; ++i)
        refusals.refused_type(name(i), after(base::Seconds{static_cast<std::int64_t>(i)}), kTtl);
    CHECK(refusals.known(kNow).types.size() == Refusals::kTypesMax);
    CHECK_FALSE(refusals.covers_type(name(0), kNow));
    CHECK(refusals.covers_type(name(Refusals::kTypesMax), kNow));
}
