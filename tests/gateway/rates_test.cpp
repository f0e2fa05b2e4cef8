// How much one client may ask for.
#include "gateway/rates.h"

#include <doctest/doctest.h>

namespace espalier::test {
namespace {

using base::Seconds;
using gateway::RateTable;

const base::Steady::time_point kStart{std::chrono::hours{100}};

}  // namespace

TEST_CASE("a minute's requests may come at once, the next waits for its share of a minute") {
    RateTable table({.requests_per_minute = 6, .bytes_per_day = 0}, 100);
    for (int i = 0; i < 6; ++i) CHECK_FALSE(table.take("a", 1000, kStart));
    CHECK(table.take("a", 0, kStart) == Seconds{10});
    CHECK(table.take("a", 0, kStart + Seconds{4}) == Seconds{6});
    CHECK_FALSE(table.take("b", 0, kStart));
    CHECK_FALSE(table.take("a", 0, kStart + Seconds{10}));
    CHECK(table.take("a", 0, kStart + Seconds{10}) == Seconds{10});
    for (int i = 0; i < 6; ++i) CHECK_FALSE(table.take("a", 0, kStart + Seconds{600}));
    CHECK(table.take("a", 0, kStart + Seconds{600}));
}

TEST_CASE("a day's bytes are counted beside the requests, and a refusal takes nothing") {
    RateTable table({.requests_per_minute = 0, .bytes_per_day = 86'400}, 100);
    CHECK_FALSE(table.take("a", 80'000, kStart));
    CHECK(table.take("a", 10'000, kStart) == Seconds{3'600});
    CHECK_FALSE(table.take("a", 6'400, kStart));
    CHECK(table.take("a", 1, kStart) == Seconds{1});
    CHECK_FALSE(table.take("a", 1, kStart + Seconds{1}));
    // More than a day allows never fits.
    CHECK(table.take("b", 100'000, kStart));
    CHECK_FALSE(table.take("b", 86'400, kStart));
}

TEST_CASE("bytes that were not announced make the next request wait") {
    RateTable table({.requests_per_minute = 0, .bytes_per_day = 86'400}, 100);
    CHECK_FALSE(table.take("a", 0, kStart));
    table.charge("a", 90'000, kStart);
    CHECK(table.take("a", 0, kStart) == Seconds{3'600});
    CHECK_FALSE(table.take("a", 0, kStart + Seconds{3'600}));
}

TEST_CASE("without limits nobody waits, and nobody is remembered") {
    RateTable table({}, 1);
    for (int i = 0; i < 1000; ++i) CHECK_FALSE(table.take(std::to_string(i), 1U << 30U, kStart));
}

TEST_CASE("when there are too many clients, those who used the least are forgotten") {
    RateTable table({.requests_per_minute = 10, .bytes_per_day = 0}, 3);
    for (int i = 0; i < 10; ++i) CHECK_FALSE(table.take("greedy", 0, kStart));
    for (int i = 0; i < 5; ++i) CHECK_FALSE(table.take("middling", 0, kStart));
    for (int i = 0; i < 50; ++i) CHECK_FALSE(table.take(std::to_string(i), 0, kStart));
    CHECK(table.take("greedy", 0, kStart));
}

TEST_CASE("an IPv6 client is its /64, an IPv4 client its address in either dress") {
    using gateway::client_of;
    CHECK(client_of("2001:db8:1:2:3:4:5:6") == client_of("2001:db8:1:2::1"));
    CHECK(client_of("2001:db8:1:2::1") != client_of("2001:db8:1:3::1"));
    CHECK(client_of("192.0.2.1") != client_of("192.0.2.2"));
    CHECK(client_of("::ffff:192.0.2.1") != client_of("::ffff:192.0.2.2"));
}

}  // namespace espalier::test
