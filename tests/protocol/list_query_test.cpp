// Which part of a list a client asks for (BUD-12).
#include "protocol/list_query.h"

#include <limits>
#include <map>

#include <doctest/doctest.h>

using namespace espalier;
using protocol::read_list_query;

namespace {

base::Result<protocol::ListQuery> read(const std::map<std::string, std::string>& parameters) {
    return read_list_query(
        [&](std::string_view name) -> std::optional<std::string> {
            const auto found = parameters.find(std::string(name));
            return found == parameters.end() ? std::nullopt : std::optional(found->second);
        },
        100);
}

}  // namespace

TEST_CASE("without parameters the whole list is asked for, as far as the limit allows") {
    const auto query = read({});
    REQUIRE(query);
    CHECK_FALSE(query->cursor);
    CHECK_FALSE(query->since);
    CHECK_FALSE(query->until);
    CHECK(query->limit == 100);
}

TEST_CASE("every parameter is read, and a larger limit is the largest one") {
    const std::string hash(64, 'a');
    const auto query =
        read({{"cursor", hash}, {"since", "5"}, {"until", "99999999999999999"}, {"limit", "7"}});
    REQUIRE(query);
    CHECK(query->cursor->hex() == hash);
    CHECK(*query->since == 5);
    CHECK(*query->until == 99'999'999'999'999'999);
    CHECK(query->limit == 7);
    CHECK(read({{"limit", "101"}})->limit == 100);
    CHECK(read({{"limit", "0"}})->limit == 0);
    CHECK(*read({{"until", "18446744073709551615"}})->until ==
          std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a parameter that cannot be read is named") {
    for (const auto& [name, value] : {std::pair{"limit", "-1"},
                                      {"limit", "ten"},
                                      {"limit", ""},
                                      {"since", "1.5"},
                                      {"until", "99999999999999999999"},
                                      {"cursor", "abc"},
                                      {"cursor", ""}}) {
        CAPTURE(name);
        CAPTURE(value);
        const auto query = read({{name, value}});
        REQUIRE_FALSE(query);
        CHECK(query.error().kind == base::ErrorKind::invalid);
        CHECK(query.error().reason.starts_with(name));
    }
}
