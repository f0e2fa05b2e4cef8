// A Transaction holds the database's write lock from begin() to commit(); when it dies
// without a commit, nothing of it has happened.
//
// Threads: the one that owns the Connection, which outlives the Transaction.
#pragma once

#include <utility>

#include "base/error.h"
#include "sqlite/connection.h"

namespace espalier::sqlite {

class Transaction {
public:
    // Waits for the write lock up to busy_timeout (error: unavailable).
    static base::Result<Transaction> begin(Connection& connection);
    ~Transaction();
    Transaction(Transaction&& other) noexcept
        : connection_(std::exchange(other.connection_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;

    // Whatever it returns, the transaction is over.
    base::Result<void> commit();

private:
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;  // nothing: over
};

}  // namespace espalier::sqlite
