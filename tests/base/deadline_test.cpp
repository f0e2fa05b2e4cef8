// Deadlines, and the errors' names.
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/error.h"

using namespace espalier;
using base::Deadline;
using base::Milliseconds;
using base::Steady;

TEST_CASE("a deadline passes at its time and waits are rounded up") {
    const auto start = Steady::now();
    const auto deadline = Deadline::at(start + std::chrono::microseconds{1500});
    CHECK_FALSE(deadline.passed(start));
    CHECK(deadline.remaining(start) == Milliseconds{2});
    CHECK_FALSE(deadline.passed(start + std::chrono::microseconds{1499}));
    CHECK(deadline.passed(start + std::chrono::microseconds{1500}));
    CHECK(deadline.remaining(start + base::Seconds{5}) == Milliseconds{0});
    CHECK(Deadline::after(Milliseconds{-5}).passed());
}

TEST_CASE("never does not pass, and is later than everything") {
    const auto never = Deadline::never();
    CHECK(never.is_never());
    CHECK_FALSE(never.passed(Steady::now() + std::chrono::hours{24 * 365}));
    CHECK(never.poll_timeout() == -1);
    CHECK(never.remaining() == Milliseconds::max());
    CHECK(Deadline::after(Milliseconds{1}) < never);
}

TEST_CASE("poll(2) gets no negative and no overlong time") {
    CHECK(Deadline::after(Milliseconds{-1}).poll_timeout() == 0);
    CHECK(Deadline::after(std::chrono::hours{48}).poll_timeout() == 3'600'000);
    const int soon = Deadline::after(Milliseconds{500}).poll_timeout();
    CHECK(soon >= 0);
    CHECK(soon <= 500);
}

TEST_CASE("every kind of error has a stable name of its own") {
    using base::ErrorKind;
    const std::vector<std::pair<ErrorKind, std::string_view>> names{
        {ErrorKind::invalid, "invalid"},
        {ErrorKind::unauthorized, "unauthorized"},
        {ErrorKind::payment, "payment"},
        {ErrorKind::forbidden, "forbidden"},
        {ErrorKind::missing, "missing"},
        {ErrorKind::slow_client, "slow_client"},
        {ErrorKind::conflict, "conflict"},
        {ErrorKind::gone, "gone"},
        {ErrorKind::length_required, "length_required"},
        {ErrorKind::too_large, "too_large"},
        {ErrorKind::unsupported, "unsupported"},
        {ErrorKind::bad_range, "bad_range"},
        {ErrorKind::throttled, "throttled"},
        {ErrorKind::head_too_large, "head_too_large"},
        {ErrorKind::internal, "internal"},
        {ErrorKind::not_implemented, "not_implemented"},
        {ErrorKind::upstream, "upstream"},
        {ErrorKind::unavailable, "unavailable"},
        {ErrorKind::timeout, "timeout"},
        {ErrorKind::refused, "refused"},
        {ErrorKind::tls, "tls"},
        {ErrorKind::reset, "reset"},
        {ErrorKind::storage, "storage"},
        {ErrorKind::cancelled, "cancelled"},
        {ErrorKind::shutting_down, "shutting_down"},
    };
    std::set<std::string_view> all;
    for (const auto& [kind, name] : names) {
        CHECK(base::name_of(kind) == name);
        all.insert(name);
    }
    CHECK(all.size() == names.size());
    CHECK(static_cast<std::size_t>(ErrorKind::shutting_down) + 1 == names.size());
}

TEST_CASE("fail() makes a result that carries its error") {
    const base::Result<int> result =
        base::fail(base::ErrorKind::missing, "not there", base::Origin::client);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == base::ErrorKind::missing);
    CHECK(result.error().reason == "not there");
    CHECK(result.error().origin == base::Origin::client);
    CHECK_FALSE(result.error().retryable);
}
