#include "sqlite/connection.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "sqlite/transaction.h"
#include "support/temp_dir.h"

using namespace espalier;
using sqlite::Connection;
using sqlite::Statement;

namespace {

Connection in_memory() {
    auto connection = Connection::open(":memory:", {});
    REQUIRE(connection);
    REQUIRE(connection->script("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB)"));
    return std::move(*connection);
}

std::int64_t one_number(Connection& connection, std::string_view sql) {
    auto query = connection.prepare(sql);
    REQUIRE(query);
    auto row = query->bind().step();
    REQUIRE(row);
    REQUIRE(*row);
    return query->integer(0);
}

}  // namespace

TEST_CASE("numbers, texts and blobs come back as they went in") {
    auto connection = in_memory();
    const std::string text("a\0b \xc3\xa9", 6);
    const std::array<std::byte, 3> blob{std::byte{0}, std::byte{0xff}, std::byte{7}};
    REQUIRE(connection.execute("INSERT INTO t VALUES(?1, ?2, ?3)", 7, text, blob));

    auto query = connection.prepare("SELECT a, b, c FROM t");
    REQUIRE(query);
    REQUIRE(query->step().value());
    CHECK(query->integer(0) == 7);
    CHECK(query->text(1) == text);
    CHECK(std::ranges::equal(query->blob(2), blob));
    CHECK_FALSE(query->step().value());
}

TEST_CASE("a text or blob without bytes is empty, not NULL") {
    auto connection = in_memory();
    REQUIRE(connection.execute("INSERT INTO t VALUES(1, ?1, ?2)", std::string_view{},
                               std::span<const std::byte>{}));
    REQUIRE(connection.execute("INSERT INTO t VALUES(2, ?1, ?2)", nullptr, nullptr));
    CHECK(one_number(connection, "SELECT count(*) FROM t WHERE b = '' AND c = x''") == 1);
    CHECK(one_number(connection, "SELECT count(*) FROM t WHERE b IS NULL AND c IS NULL") == 1);

    auto query = connection.prepare("SELECT b FROM t ORDER BY a");
    REQUIRE(query->step().value());
    CHECK_FALSE(query->is_null(0));
    REQUIRE(query->step().value());
    CHECK(query->is_null(0));
    CHECK(query->text(0).empty());
}

TEST_CASE("the largest numbers survive") {
    auto connection = in_memory();
    const std::int64_t least = std::numeric_limits<std::int64_t>::min();
    REQUIRE(connection.execute("INSERT INTO t(a) VALUES(?1)", least));
    CHECK(one_number(connection, "SELECT a FROM t") == least);
}

TEST_CASE("bad SQL is an internal error that says what is wrong") {
    auto connection = in_memory();
    const auto done = connection.execute("SELEKT 1");
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == base::ErrorKind::internal);
    CHECK(done.error().reason.find("SELEKT") != std::string::npos);
    CHECK_FALSE(connection.execute(""));
}

TEST_CASE("a value without a place is reported by the step") {
    auto connection = in_memory();
    CHECK_FALSE(connection.execute("INSERT INTO t(a) VALUES(?1)", 1, 2));
    CHECK(one_number(connection, "SELECT count(*) FROM t") == 0);
}

TEST_CASE("a violated constraint is a conflict") {
    auto connection = in_memory();
    REQUIRE(connection.execute("INSERT INTO t(a) VALUES(1)"));
    const auto again = connection.execute("INSERT INTO t(a) VALUES(1)");
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == base::ErrorKind::conflict);
}

TEST_CASE("a statement is kept for its next use and starts without old values") {
    auto connection = in_memory();
    for (int i = 0; i < 3; ++i) {
        REQUIRE(connection.execute("INSERT INTO t(a, b) VALUES(?1, ?2)", i, "x"));
    }
    REQUIRE(connection.execute("INSERT INTO t(a, b) VALUES(?1, ?2)", 9));
    CHECK(one_number(connection, "SELECT count(*) FROM t WHERE b IS NULL") == 1);
}

TEST_CASE("the same text may be under way twice") {
    auto connection = in_memory();
    REQUIRE(connection.execute("INSERT INTO t(a) VALUES(1), (2)"));
    auto outer = connection.prepare("SELECT a FROM t ORDER BY a");
    auto inner = connection.prepare("SELECT a FROM t ORDER BY a");
    REQUIRE(outer->step().value());
    REQUIRE(inner->step().value());
    REQUIRE(inner->step().value());
    CHECK(outer->integer(0) == 1);
    CHECK(inner->integer(0) == 2);
}

TEST_CASE("more statements than are kept still work") {
    auto connection = in_memory();
    std::vector<Statement> alive;
    for (std::size_t i = 0; i < Connection::kIdleStatementsMax + 10; ++i) {
        auto query = connection.prepare("SELECT " + std::to_string(i));
        REQUIRE(query);
        alive.push_back(std::move(*query));
    }
    alive.clear();
    CHECK(one_number(connection, "SELECT 5") == 5);
}

TEST_CASE("a transaction that is not committed has not happened") {
    auto connection = in_memory();
    {
        auto transaction = sqlite::Transaction::begin(connection);
        REQUIRE(transaction);
        REQUIRE(connection.execute("INSERT INTO t(a) VALUES(1)"));
    }
    CHECK_FALSE(connection.in_transaction());
    CHECK(one_number(connection, "SELECT count(*) FROM t") == 0);
    auto transaction = sqlite::Transaction::begin(connection);
    REQUIRE(connection.execute("INSERT INTO t(a) VALUES(1)"));
    REQUIRE(transaction->commit());
    CHECK(one_number(connection, "SELECT count(*) FROM t") == 1);
}

TEST_CASE("a lock that somebody else keeps is `unavailable`, worth another try") {
    test::TempDir folder;
    const auto path = (folder / "x.db").string();
    const sqlite::Options impatient{.busy_timeout = base::Milliseconds(1)};
    auto one = Connection::open(path, impatient);
    auto other = Connection::open(path, impatient);
    REQUIRE(one);
    REQUIRE(other);
    auto held = sqlite::Transaction::begin(*one);
    REQUIRE(held);
    auto wanted = sqlite::Transaction::begin(*other);
    REQUIRE_FALSE(wanted);
    CHECK(wanted.error().kind == base::ErrorKind::unavailable);
    CHECK(wanted.error().retryable);
}

TEST_CASE("a reader goes on while somebody writes") {
    test::TempDir folder;
    const auto path = (folder / "x.db").string();
    auto writer = Connection::open(path, {});
    auto reader = Connection::open(path, {.busy_timeout = base::Milliseconds(1)});
    REQUIRE(writer->script("CREATE TABLE t(a)"));
    auto transaction = sqlite::Transaction::begin(*writer);
    REQUIRE(writer->execute("INSERT INTO t VALUES(1)"));
    CHECK(one_number(*reader, "SELECT count(*) FROM t") == 0);
    REQUIRE(transaction->commit());
    CHECK(one_number(*reader, "SELECT count(*) FROM t") == 1);
}

TEST_CASE("a path that cannot be opened is named") {
    const auto nowhere = Connection::open("/nonexistent/folder/x.db", {});
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().kind == base::ErrorKind::storage);
    CHECK(nowhere.error().reason.find("/nonexistent/folder/x.db") != std::string::npos);

    test::TempDir folder;
    const auto text = folder.write("x.db", std::string(4096, 'x'));
    const auto not_a_database = Connection::open(text, {});
    REQUIRE_FALSE(not_a_database);
    CHECK(not_a_database.error().kind == base::ErrorKind::storage);
}

TEST_CASE("synchronous and the log mode are as asked") {
    test::TempDir folder;
    for (const auto& [mode, number] :
         {std::pair(sqlite::Synchronous::off, 0), std::pair(sqlite::Synchronous::normal, 1),
          std::pair(sqlite::Synchronous::full, 2)}) {
        auto connection = Connection::open((folder / "x.db").string(), {.synchronous = mode});
        REQUIRE(connection);
        CHECK(one_number(*connection, "PRAGMA synchronous") == number);
        auto query = connection->prepare("PRAGMA journal_mode");
        REQUIRE(query->step().value());
        CHECK(query->text(0) == "wal");
    }
}
