// Content-Range as servers send it.
#include "engine/content_range.h"

#include <doctest/doctest.h>

namespace espalier::engine {

TEST_CASE("a Content-Range says which bytes, and of how many") {
    const auto known = parse_content_range(" bytes 5-9/10 ");
    REQUIRE(known);
    CHECK(known->first == 5);
    CHECK(known->last == 9);
    CHECK(known->size == 10);
    const auto unknown = parse_content_range("bytes 0-0/*");
    REQUIRE(unknown);
    CHECK_FALSE(unknown->size);
}

TEST_CASE("what makes no sense is no Content-Range") {
    for (const auto* bad :
         {"", "bytes", "bytes 1-2", "bytes 2-1/10", "bytes 5-10/10", "bytes */10", "lines 1-2/10",
          "bytes -1-2/10", "bytes 1-2/x", "bytes 1/2-3", "bytes 1-99999999999999999999/*"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_content_range(bad));
    }
}

}  // namespace espalier::engine
