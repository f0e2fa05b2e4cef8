#include "settings/nearest.h"

#include <vector>

#include <doctest/doctest.h>

using namespace espalier::settings;

TEST_CASE("the distance counts insertions, deletions, replacements and swaps") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("timeout", "timeout") == 0);
    CHECK(edit_distance("timeuot", "timeout") == 1);
    CHECK(edit_distance("timout", "timeout") == 1);
    CHECK(edit_distance("timeoutt", "timeout") == 1);
    CHECK(edit_distance("timeaut", "timeout") == 1);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("case and dashes do not count") {
    CHECK(edit_distance("Max-Retries", "max_retries") == 0);
}

TEST_CASE("the nearest name is the closest one, if it is close at all") {
    const std::vector<std::string> names{"timeout", "idle_timeout", "url"};
    CHECK(nearest("timout", names) == "timeout");
    CHECK(nearest("idletimeout", names) == "idle_timeout");
    CHECK(nearest("uri", names) == "url");
    CHECK(!nearest("port", names));
    CHECK(!nearest("", names));
    CHECK(!nearest("x", {}));
}

TEST_CASE("an endless name costs little and is near nothing") {
    const std::vector<std::string> names{"timeout"};
    CHECK(!nearest(std::string(100'000, 't'), names));
}
