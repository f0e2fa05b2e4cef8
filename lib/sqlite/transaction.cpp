#include "sqlite/transaction.h"

namespace espalier::sqlite {
namespace {

void roll_back(Connection& connection) {
    // Some faults (a full disk) have rolled back already. A rollback itself cannot fail in a
    // way that leaves something to do.
    if (connection.in_transaction()) {
        [[maybe_unused]] const auto undone = connection.execute("ROLLBACK");
    }
}

}  // namespace

base::Result<Transaction> Transaction::begin(Connection& connection) {
    auto begun = connection.execute("BEGIN IMMEDIATE");
    if (!begun) return std::unexpected(std::move(begun).error());
    return Transaction(connection);
}

Transaction::~Transaction() {
    if (connection_ != nullptr) roll_back(*connection_);
}

base::Result<void> Transaction::commit() {
    auto& connection = *std::exchange(connection_, nullptr);
    auto committed = connection.execute("COMMIT");
    if (!committed) roll_back(connection);
    return committed;
}

}  // namespace espalier::sqlite
