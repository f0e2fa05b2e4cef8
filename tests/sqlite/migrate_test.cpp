#include "sqlite/migrate.h"

#include <array>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/temp_dir.h"

using namespace espalier;
using sqlite::Connection;

namespace {

constexpr std::array<std::string_view, 2> kSteps{
    "CREATE TABLE t(a); INSERT INTO t VALUES(1)",
    "ALTER TABLE t ADD COLUMN b; INSERT INTO t VALUES(2, 3)",
};

std::span<const std::string_view> first(std::size_t count) {
    return std::span(kSteps).first(count);
}

std::int64_t rows(Connection& connection) {
    auto query = connection.prepare("SELECT count(*) FROM t");
    REQUIRE(query);
    REQUIRE(query->step().value());
    return query->integer(0);
}

}  // namespace

TEST_CASE("only the steps that a database has not seen are run") {
    auto connection = Connection::open(":memory:", {});
    REQUIRE(sqlite::migrate(*connection, first(1)));
    CHECK(rows(*connection) == 1);
    REQUIRE(sqlite::migrate(*connection, first(2)));
    REQUIRE(sqlite::migrate(*connection, first(2)));
    CHECK(rows(*connection) == 2);
}

TEST_CASE("a database of a newer program is refused") {
    auto connection = Connection::open(":memory:", {});
    REQUIRE(sqlite::migrate(*connection, first(2)));
    const auto older = sqlite::migrate(*connection, first(1));
    REQUIRE_FALSE(older);
    CHECK(older.error().reason.find("newer") != std::string::npos);
}

TEST_CASE("a step that fails leaves the version before it") {
    auto connection = Connection::open(":memory:", {});
    constexpr std::array<std::string_view, 2> kBroken{
        kSteps[0], "INSERT INTO t VALUES(9); INSERT INTO nowhere VALUES(1)"};
    CHECK_FALSE(sqlite::migrate(*connection, kBroken));
    CHECK(rows(*connection) == 1);
    CHECK_FALSE(connection->in_transaction());
    REQUIRE(sqlite::migrate(*connection, first(2)));
    CHECK(rows(*connection) == 2);
}

TEST_CASE("several who migrate at once run each step once") {
    test::TempDir folder;
    const auto path = (folder / "x.db").string();
    {
        std::vector<std::jthread> threads;
        threads.reserve(16);
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                auto connection = Connection::open(path, {});
                CHECK(connection);
                if (connection) CHECK(sqlite::migrate(*connection, kSteps));
            });
        }
    }
    auto connection = Connection::open(path, {});
    CHECK(rows(*connection) == 2);
}
