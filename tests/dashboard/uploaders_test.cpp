// Who has uploaded how much.
#include "dashboard/uploaders.h"

#include <doctest/doctest.h>

using namespace espalier;

TEST_CASE("those with the most bytes come first, and no more keys are kept than allowed") {
    dashboard::Uploaders uploaders(2);
    uploaders.count("a", 10);
    uploaders.count("b", 5);
    uploaders.count("b", 6);
    uploaders.count("c", 1000);
    const auto top = uploaders.top(10);
    REQUIRE(top.size() == 2);
    CHECK(top[0].pubkey == "b");
    CHECK(top[0].bytes == 11);
    CHECK(top[0].uploads == 2);
    CHECK(top[1].pubkey == "a");
    CHECK(uploaders.top(1).size() == 1);
}
