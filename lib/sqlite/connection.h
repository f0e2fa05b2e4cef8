// A Connection to one SQLite database in write-ahead logging mode.
//
// Nothing throws; every failure is an Error: `unavailable` (retryable) when somebody else held
// the lock for longer than busy_timeout, `conflict` for a violated constraint, `storage` when
// the disk or the file is at fault, `internal` for the rest (bad SQL).
//
// Threads: one at a time; a thread checks a Connection out of a Pool and owns it meanwhile.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "sqlite/statement.h"

namespace espalier::sqlite {

// What a commit survives: `off` and `normal` the death of the process, `full` the loss of
// power as well (one fsync per commit). https://sqlite.org/pragma.html#pragma_synchronous
enum class Synchronous { off, normal, full };

struct Options {
    base::Milliseconds busy_timeout{10'000};
    Synchronous synchronous = Synchronous::normal;
    int cache_kib = 2048;  // page cache of each connection
};

struct Native;  // the foreign part, in handles.h

class Connection {
public:
    // Opens or creates the file. ":memory:" is a database that nobody else sees.
    static base::Result<Connection> open(const std::string& path, const Options& options);
    ~Connection();
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Exactly one statement. At most kIdleStatementsMax texts are kept prepared.
    base::Result<Statement> prepare(std::string_view sql);
    // Prepares, binds and runs one statement.
    template <class... Values>
    base::Result<void> execute(std::string_view sql, const Values&... values) {
        auto statement = prepare(sql);
        if (!statement) return std::unexpected(std::move(statement).error());
        return statement->bind(values...).run();
    }
    // Any number of statements, without values.
    base::Result<void> script(std::string_view sql);

    // Rows that the latest INSERT, UPDATE or DELETE changed.
    std::int64_t changes() const;
    bool in_transaction() const;

    static constexpr std::size_t kIdleStatementsMax = 64;

private:
    explicit Connection(std::unique_ptr<Native> native);
    base::Result<void> enter_wal(base::Deadline deadline);
    std::unique_ptr<Native> native_;
};

}  // namespace espalier::sqlite
