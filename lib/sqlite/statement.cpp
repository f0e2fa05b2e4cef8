#include "sqlite/statement.h"

#include <sqlite3.h>

#include "base/text.h"
#include "sqlite/connection.h"
#include "sqlite/handles.h"

namespace espalier::sqlite {
namespace {

base::ErrorKind kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return base::ErrorKind::unavailable;
        case SQLITE_CONSTRAINT:
            return base::ErrorKind::conflict;
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return base::ErrorKind::storage;
        default:
            return base::ErrorKind::internal;
    }
}

// A blob or text of no bytes is empty, not NULL: SQLite tells them by the pointer.
const char* never_null(const char* bytes) {
    return bytes == nullptr ? "" : bytes;
}

void give_back(std::unique_ptr<Prepared> prepared) {
    sqlite3_reset(prepared->statement.get());
    sqlite3_clear_bindings(prepared->statement.get());
    auto& idle = prepared->owner->idle;
    if (idle.size() >= Connection::kIdleStatementsMax) return;
    idle.try_emplace(prepared->sql, std::move(prepared));
}

}  // namespace

void Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

base::Error error_of(sqlite3* database, int code) {
    const auto kind = kind_of(code);
    return {.kind = kind,
            .reason = base::text("database: ", database == nullptr ? sqlite3_errstr(code)
                                                                   : sqlite3_errmsg(database)),
            .retryable = kind == base::ErrorKind::unavailable};
}

Statement::Statement(std::unique_ptr<Prepared> prepared) : prepared_(std::move(prepared)) {}
Statement::Statement(Statement&& other) noexcept = default;

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(prepared_, other.prepared_);
    std::swap(bind_fault_, other.bind_fault_);
    return *this;
}

Statement::~Statement() {
    if (prepared_) give_back(std::move(prepared_));
}

void Statement::reset() {
    sqlite3_reset(prepared_->statement.get());
    sqlite3_clear_bindings(prepared_->statement.get());
    bind_fault_ = SQLITE_OK;
}

void Statement::bind_at(int index, std::int64_t number) {
    const int code = sqlite3_bind_int64(prepared_->statement.get(), index, number);
    if (bind_fault_ == SQLITE_OK) bind_fault_ = code;
}

void Statement::bind_at(int index, std::string_view text) {
    const std::span bytes(text);
    const int code =
        sqlite3_bind_text64(prepared_->statement.get(), index, never_null(bytes.data()),
                            bytes.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    if (bind_fault_ == SQLITE_OK) bind_fault_ = code;
}

void Statement::bind_at(int index, std::span<const std::byte> bytes) {
    const auto* const data = static_cast<const void*>(bytes.data());
    const int code =
        sqlite3_bind_blob64(prepared_->statement.get(), index, data == nullptr ? "" : data,
                            bytes.size(), SQLITE_TRANSIENT);
    if (bind_fault_ == SQLITE_OK) bind_fault_ = code;
}

void Statement::bind_at(int index, std::nullptr_t) {
    const int code = sqlite3_bind_null(prepared_->statement.get(), index);
    if (bind_fault_ == SQLITE_OK) bind_fault_ = code;
}

base::Result<bool> Statement::step() {
    auto* const database = prepared_->owner->database.get();
    if (bind_fault_ != SQLITE_OK) return std::unexpected(error_of(nullptr, bind_fault_));
    const int code = sqlite3_step(prepared_->statement.get());
    if (code == SQLITE_ROW) return true;
    auto result =
        code == SQLITE_DONE ? base::Result<bool>(false) : std::unexpected(error_of(database, code));
    // Ends the read transaction that a finished statement would hold on to.
    sqlite3_reset(prepared_->statement.get());
    return result;
}

base::Result<void> Statement::run() {
    return each([](const Statement&) {});
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(prepared_->statement.get(), column);
}

std::string_view Statement::text(int column) const {
    const auto bytes = blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> Statement::blob(int column) const {
    auto* const statement = prepared_->statement.get();
    const void* const data = sqlite3_column_blob(statement, column);
    const int size = sqlite3_column_bytes(statement, column);
    return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(prepared_->statement.get(), column) == SQLITE_NULL;
}

}  // namespace espalier::sqlite
