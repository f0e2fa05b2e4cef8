#include "sqlite/migrate.h"

#include <cstdint>

#include "base/text.h"
#include "sqlite/transaction.h"

namespace espalier::sqlite {
namespace {

base::Result<std::uint64_t> version_of(Connection& connection) {
    auto query = connection.prepare("PRAGMA user_version");
    if (!query) return std::unexpected(std::move(query).error());
    std::int64_t version = 0;
    auto read = query->each([&](const Statement& row) { version = row.integer(0); });
    if (!read) return std::unexpected(std::move(read).error());
    return static_cast<std::uint64_t>(version);
}

}  // namespace

// The version is read under the write lock, so that no two processes run the same step.
base::Result<void> migrate(Connection& connection, std::span<const std::string_view> steps) {
    for (;;) {
        auto seen = version_of(connection);
        if (seen && *seen == steps.size()) return {};
        auto transaction = Transaction::begin(connection);
        if (!transaction) return std::unexpected(std::move(transaction).error());
        auto version = version_of(connection);
        if (!version) return std::unexpected(std::move(version).error());
        if (*version > steps.size()) {
            return base::fail(base::ErrorKind::internal,
                              base::text("database: schema ", *version,
                                         " is of a newer program; this one knows ", steps.size()));
        }
        if (*version == steps.size()) return {};
        auto done =
            connection.script(base::text(steps[*version], ";PRAGMA user_version=", *version + 1));
        if (done) done = transaction->commit();
        if (!done) return done;
    }
}

}  // namespace espalier::sqlite
