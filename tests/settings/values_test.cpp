#include "settings/values.h"

#include <array>

#include <doctest/doctest.h>

using namespace espalier::settings;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kDay = 86'400'000;

}  // namespace

TEST_CASE("durations are read with the units of the Go original, and days") {
    CHECK(parse_duration("500ms") == milliseconds(500));
    CHECK(parse_duration("30s") == milliseconds(30'000));
    CHECK(parse_duration("5m") == milliseconds(300'000));
    CHECK(parse_duration("1h") == milliseconds(3'600'000));
    CHECK(parse_duration("1h30m") == milliseconds(5'400'000));
    CHECK(parse_duration("1.5h") == milliseconds(5'400'000));
    CHECK(parse_duration("0.25s") == milliseconds(250));
    CHECK(parse_duration("366d") == milliseconds(366 * kDay));
    CHECK(parse_duration("0") == milliseconds(0));
    CHECK(parse_duration("0s") == milliseconds(0));
}

TEST_CASE("what is not a duration is refused, with an example of one") {
    for (const auto* bad : {"", "s", "-1s", "30 s", "30S", "1h30", "5x", "1.2.3s", "1.s", ".5s",
                            "1e3s", "367d", "300d300d", "99999999999999999999s"}) {
        CAPTURE(bad);
        const auto result = parse_duration(bad);
        REQUIRE(!result);
        CHECK(result.error().find("1h30m") != std::string::npos);
    }
}

TEST_CASE("a duration without its unit is told so") {
    CHECK(parse_duration("30").error() ==
          "`30` is not a duration (its unit is missing): write 500ms, 30s, 5m or 1h30m");
}

TEST_CASE("a shown duration reads as the same") {
    for (const std::int64_t ms : {0LL, 1LL, 999LL, 1000LL, 60'001LL, 5'400'000LL, 90'061'001LL}) {
        CAPTURE(ms);
        CHECK(parse_duration(show_duration(milliseconds(ms))) == milliseconds(ms));
    }
    CHECK(show_duration(milliseconds(5'400'000)) == "1h30m");
    CHECK(show_duration(milliseconds(500)) == "500ms");
}

TEST_CASE("sizes are read in bytes, powers of 1024 and powers of 1000") {
    CHECK(parse_size("536870912") == 536'870'912);
    CHECK(parse_size("8MiB") == 8'388'608);
    CHECK(parse_size("8 MiB") == 8'388'608);
    CHECK(parse_size("8M") == 8'388'608);
    CHECK(parse_size("8k") == 8192);
    CHECK(parse_size("8MB") == 8'000'000);
    CHECK(parse_size("8kb") == 8000);
    CHECK(parse_size("2gib") == 2'147'483'648);
    CHECK(parse_size("1.5GiB") == 1'610'612'736);
    CHECK(parse_size("0") == 0);
}

TEST_CASE("what is not a size is refused") {
    for (const auto* bad : {"", "MiB", "-1", "8 Mi B", "8XB", "1..5k", "99999999999999999999",
                            "9223372036854775808", "9000000000GiB"}) {
        CAPTURE(bad);
        CHECK(!parse_size(bad));
    }
}

TEST_CASE("a shown size reads as the same") {
    for (const std::uint64_t bytes :
         {0ULL, 1ULL, 1000ULL, 1024ULL, 1'000'000ULL, 8'388'608ULL, 214'748'364ULL, 1ULL << 40U}) {
        CAPTURE(bytes);
        CHECK(parse_size(show_size(bytes)) == bytes);
    }
    CHECK(show_size(8'388'608) == "8MiB");
    CHECK(show_size(214'748'364) == "214748364");
}

TEST_CASE("numbers are whole and fit") {
    CHECK(parse_count("2") == 2);
    CHECK(parse_count("-3") == -3);
    for (const auto* bad : {"", "two", "2.0", " 2", "2 ", "+2", "99999999999"}) {
        CAPTURE(bad);
        CHECK(!parse_count(bad));
    }
}

TEST_CASE("flags take YAML's words for yes and no, and nothing else") {
    for (const auto* yes : {"true", "True", "yes", "on"}) CHECK(parse_flag(yes) == true);
    for (const auto* no : {"false", "FALSE", "no", "off"}) CHECK(parse_flag(no) == false);
    for (const auto* bad : {"", "1", "0", "y", "maybe"}) CHECK(!parse_flag(bad));
}
