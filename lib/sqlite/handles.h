// The foreign halves of Connection and Statement, for this room's .cpp files only.
//
// Threads: the one that owns the Connection.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace espalier::sqlite {

struct Native;

struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
};
struct Close {
    void operator()(sqlite3* database) const;
};

struct Prepared {
    Native* owner = nullptr;
    std::string sql;
    std::unique_ptr<sqlite3_stmt, Finalize> statement;
};

struct Native {
    std::unique_ptr<sqlite3, Close> database;  // outlives the statements
    std::map<std::string, std::unique_ptr<Prepared>, std::less<>> idle;
};

// The latest failure of this database, as an Error.
base::Error error_of(sqlite3* database, int code);

}  // namespace espalier::sqlite
