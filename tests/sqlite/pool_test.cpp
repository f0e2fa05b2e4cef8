#include "sqlite/pool.h"

#include <optional>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/temp_dir.h"

using namespace espalier;
using sqlite::Pool;

namespace {

std::int64_t rows(Pool& pool) {
    auto connection = pool.checkout();
    REQUIRE(connection);
    auto query = (*connection)->prepare("SELECT count(*) FROM t");
    REQUIRE(query);
    REQUIRE(query->step().value());
    return query->integer(0);
}

void fill(Pool& pool, int threads, int rows_each) {
    std::vector<std::jthread> running;
    running.reserve(16);
    for (int i = 0; i < threads; ++i) {
        running.emplace_back([&pool, rows_each] {
            for (int row = 0; row < rows_each; ++row) {
                auto connection = pool.checkout();
                CHECK(connection);
                if (connection) CHECK((*connection)->execute("INSERT INTO t VALUES(?1)", row));
            }
        });
    }
}

}  // namespace

TEST_CASE("many threads write through one pool") {
    test::TempDir folder;
    auto pool = Pool::open((folder / "x.db").string(), {});
    REQUIRE(pool);
    REQUIRE((*(*pool)->checkout())->script("CREATE TABLE t(a)"));
    fill(**pool, 4, 25);
    CHECK(rows(**pool) == 100);
}

TEST_CASE("a database in memory is shared by a pool's connections and by nobody else") {
    auto pool = Pool::open(":memory:", {});
    auto stranger = Pool::open(":memory:", {});
    REQUIRE(pool);
    REQUIRE((*(*pool)->checkout())->script("CREATE TABLE t(a)"));
    fill(**pool, 4, 25);
    CHECK(rows(**pool) == 100);
    CHECK_FALSE((*(*stranger)->checkout())->prepare("SELECT * FROM t"));
}

TEST_CASE("a pool that keeps one connection still serves several at once") {
    auto pool = Pool::open(":memory:", {}, 1);
    {
        auto one = (*pool)->checkout();
        auto other = (*pool)->checkout();
        REQUIRE((*one)->script("CREATE TABLE t(a)"));
        REQUIRE((*other)->execute("INSERT INTO t VALUES(1)"));
    }
    CHECK(rows(**pool) == 1);
}

TEST_CASE("what a thread left undone is rolled back when it gives its connection back") {
    auto pool = Pool::open(":memory:", {});
    REQUIRE((*(*pool)->checkout())->script("CREATE TABLE t(a)"));
    {
        auto connection = (*pool)->checkout();
        REQUIRE((*connection)->script("BEGIN; INSERT INTO t VALUES(1)"));
    }
    CHECK(rows(**pool) == 0);
}

TEST_CASE("a pool without a path is refused") {
    CHECK_FALSE(Pool::open("", {}));
}
