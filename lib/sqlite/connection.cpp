#include "sqlite/connection.h"

#include <thread>
#include <utility>

#include <sqlite3.h>

#include "base/text.h"
#include "sqlite/handles.h"

namespace espalier::sqlite {
namespace {

std::string_view name_of(Synchronous synchronous) {
    switch (synchronous) {
        case Synchronous::off:
            return "OFF";
        case Synchronous::normal:
            return "NORMAL";
        case Synchronous::full:
            break;
    }
    return "FULL";
}

// The write-ahead log shrinks back to this after a burst.
constexpr int kLogBytesKept = 16 * 1024 * 1024;

std::string pragmas(const Options& options) {
    return base::text("PRAGMA synchronous=", name_of(options.synchronous),
                      "; PRAGMA journal_size_limit=", kLogBytesKept,
                      "; PRAGMA cache_size=", -options.cache_kib,
                      "; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;");
}

// Only a Pool asks for such a name: a database in memory that its connections share.
int open_flags(const std::string& path) {
    const int shared_memory = path.starts_with("file:/pool-") ? SQLITE_OPEN_URI : 0;
    return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | shared_memory;
}

}  // namespace

void Close::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

Connection::Connection(std::unique_ptr<Native> native) : native_(std::move(native)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

base::Result<Connection> Connection::open(const std::string& path, const Options& options) {
    sqlite3* database = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &database, open_flags(path), nullptr);
    auto native = std::make_unique<Native>();
    native->database.reset(database);
    Connection connection(std::move(native));
    auto named = [&](base::Error error) {
        error.reason = base::text(path, ": ", error.reason);
        return std::unexpected(std::move(error));
    };
    if (code != SQLITE_OK) return named(error_of(database, code));
    sqlite3_extended_result_codes(database, 1);
    sqlite3_busy_timeout(database, static_cast<int>(options.busy_timeout.count()));
    auto prepared = connection.enter_wal(base::Deadline::after(options.busy_timeout));
    if (prepared) prepared = connection.script(pragmas(options));
    if (!prepared) return named(std::move(prepared).error());
    return connection;
}

// SQLite does not wait for others here: two who change to the log at once would deadlock.
base::Result<void> Connection::enter_wal(base::Deadline deadline) {
    constexpr base::Milliseconds kMoment{5};
    for (;;) {
        auto entered = script("PRAGMA journal_mode=WAL");
        const bool busy = !entered && entered.error().kind == base::ErrorKind::unavailable;
        if (!busy || deadline.passed()) return entered;
        std::this_thread::sleep_for(kMoment);
    }
}

base::Result<Statement> Connection::prepare(std::string_view sql) {
    if (const auto kept = native_->idle.find(sql); kept != native_->idle.end()) {
        return Statement(std::move(native_->idle.extract(kept).mapped()));
    }
    auto* const database = native_->database.get();
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return std::unexpected(error_of(database, code));
    if (statement == nullptr)
        return base::fail(base::ErrorKind::internal, "database: no statement");
    auto prepared = std::make_unique<Prepared>();
    prepared->owner = native_.get();
    prepared->sql = sql;
    prepared->statement.reset(statement);
    return Statement(std::move(prepared));
}

base::Result<void> Connection::script(std::string_view sql) {
    auto* const database = native_->database.get();
    const int code = sqlite3_exec(database, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return std::unexpected(error_of(database, code));
    return {};
}

std::int64_t Connection::changes() const {
    return sqlite3_changes64(native_->database.get());
}

bool Connection::in_transaction() const {
    return sqlite3_get_autocommit(native_->database.get()) == 0;
}

}  // namespace espalier::sqlite
