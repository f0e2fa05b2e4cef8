// Schema changes, counted by the database's user_version.
//
// Threads: the one that owns the Connection.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "sqlite/connection.h"

namespace espalier::sqlite {

// Runs the steps that this database has not seen: step n is a script that brings version n to
// n + 1, in a transaction of its own. Steps are only ever added at the end. Several processes
// may do this at once. Errors: internal when the database comes from a newer program.
base::Result<void> migrate(Connection& connection, std::span<const std::string_view> steps);

}  // namespace espalier::sqlite
