#include "sqlite/group_writer.h"

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "sqlite/pool.h"
#include "support/temp_dir.h"

using namespace espalier;
using sqlite::Connection;
using sqlite::GroupWriter;

namespace {

GroupWriter::Work insert(int number) {
    return [number](Connection& connection) {
        return connection.execute("INSERT INTO t VALUES(?1)", number);
    };
}

// A database with one table, its writer, and a pool to look at it with.
struct Fixture {
    explicit Fixture(const GroupWriter::Options& options = {}) {
        pool = std::move(*sqlite::Pool::open((folder / "x.db").string(), {}));
        REQUIRE((*pool->checkout())->script("CREATE TABLE t(a INTEGER PRIMARY KEY)"));
        writer = std::make_unique<GroupWriter>(std::move(*pool->connect()), options);
    }

    std::int64_t rows() const {
        auto connection = pool->checkout();
        auto query = (*connection)->prepare("SELECT count(*) FROM t");
        REQUIRE(query->step().value());
        return query->integer(0);
    }

    // Work that waits for `gate` on the writer's thread.
    void hold(std::shared_future<void> gate, std::promise<void>& reached) const {
        REQUIRE(writer->post([gate = std::move(gate), &reached](Connection&) -> base::Result<void> {
            reached.set_value();
            gate.wait();
            return {};
        }));
        reached.get_future().wait();
    }

    test::TempDir folder;
    std::unique_ptr<sqlite::Pool> pool;
    std::unique_ptr<GroupWriter> writer;
};

}  // namespace

TEST_CASE("work is in the database when commit() returns") {
    Fixture fixture;
    REQUIRE(fixture.writer->commit(insert(1)));
    CHECK(fixture.rows() == 1);
}

TEST_CASE("those who write while a commit is under way share the next one") {
    Fixture fixture;
    std::promise<void> gate;
    std::promise<void> reached;
    fixture.hold(gate.get_future().share(), reached);
    for (int i = 0; i < 50; ++i) REQUIRE(fixture.writer->post(insert(i)));
    gate.set_value();
    REQUIRE(fixture.writer->commit(insert(50)));
    CHECK(fixture.rows() == 51);
    CHECK(fixture.writer->snapshot().works == 52);
    CHECK(fixture.writer->snapshot().commits <= 3);
}

TEST_CASE("a piece of work that fails does not spoil its neighbours") {
    Fixture fixture;
    std::promise<void> gate;
    std::promise<void> reached;
    fixture.hold(gate.get_future().share(), reached);
    REQUIRE(fixture.writer->post(insert(1)));
    auto failing = std::async(std::launch::async, [&] {
        return fixture.writer->commit([](Connection& connection) -> base::Result<void> {
            auto done = connection.execute("INSERT INTO t VALUES(2)");
            return done ? base::fail(base::ErrorKind::forbidden, "no") : done;
        });
    });
    REQUIRE(fixture.writer->post(insert(3)));
    gate.set_value();
    const auto outcome = failing.get();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().kind == base::ErrorKind::forbidden);
    REQUIRE(fixture.writer->commit(insert(4)));
    CHECK(fixture.rows() == 3);
    CHECK(fixture.writer->snapshot().failures == 1);
}

TEST_CASE("a full queue refuses instead of growing") {
    Fixture fixture({.queue_max = 2});
    std::promise<void> gate;
    std::promise<void> reached;
    fixture.hold(gate.get_future().share(), reached);
    CHECK(fixture.writer->post(insert(1)));
    CHECK(fixture.writer->post(insert(2)));
    const auto refused = fixture.writer->post(insert(3));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == base::ErrorKind::unavailable);
    CHECK(fixture.writer->snapshot().refused == 1);
    gate.set_value();
    fixture.writer.reset();
    CHECK(fixture.rows() == 2);
}

TEST_CASE("what is queued is committed before the writer goes") {
    Fixture fixture({.group_max = 3});
    for (int i = 0; i < 20; ++i) REQUIRE(fixture.writer->post(insert(i)));
    fixture.writer.reset();
    CHECK(fixture.rows() == 20);
}

TEST_CASE("when the transaction cannot begin, everyone in it is told") {
    Fixture fixture;
    fixture.writer = std::make_unique<GroupWriter>(
        std::move(*Connection::open((fixture.folder / "x.db").string(),
                                    {.busy_timeout = base::Milliseconds(1)})),
        GroupWriter::Options{});
    auto other = fixture.pool->checkout();
    REQUIRE((*other)->script("BEGIN IMMEDIATE"));
    const auto outcome = fixture.writer->commit(insert(1));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().retryable);
    REQUIRE((*other)->script("COMMIT"));
    CHECK(fixture.writer->commit(insert(1)));
}

TEST_CASE("work that ends the transaction fails and takes its group along") {
    Fixture fixture;
    CHECK_FALSE(fixture.writer->commit(
        [](Connection& connection) { return connection.script("ROLLBACK"); }));
    CHECK(fixture.writer->commit(insert(1)));
    CHECK(fixture.rows() == 1);
}

TEST_CASE("many threads commit at once") {
    Fixture fixture;
    {
        std::vector<std::jthread> threads;
        threads.reserve(16);
        for (int thread = 0; thread < 8; ++thread) {
            threads.emplace_back([&fixture, thread] {
                for (int i = 0; i < 20; ++i) {
                    CHECK(fixture.writer->commit(insert(thread * 100 + i)));
                }
            });
        }
    }
    CHECK(fixture.rows() == 160);
}
