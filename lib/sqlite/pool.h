// A Pool of connections to one database. A thread checks one out, owns it, and gives it back;
// when none is idle, another one is opened, so that nobody waits and there are never more
// connections than threads.
//
// Law: a connection is never used inside a Guarded.
//
// Threads: any; a Lease belongs to one thread. Lifetime: the Pool outlives its Leases.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/guarded.h"
#include "sqlite/connection.h"

namespace espalier::sqlite {

class Pool {
public:
    // ":memory:" is one database that all of the pool's connections share. It has no log, so
    // readers and writers wait for each other: for tests.
    static base::Result<std::unique_ptr<Pool>> open(const std::string& path, const Options& options,
                                                    std::size_t idle_max = 32);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    class Lease {
    public:
        Lease(Pool& pool, Connection connection);
        ~Lease();
        Lease(Lease&& other) noexcept
            : pool_(std::exchange(other.pool_, nullptr)),
              connection_(std::move(other.connection_)) {}
        Lease& operator=(Lease&&) = delete;

        Connection& operator*() { return connection_; }
        Connection* operator->() { return &connection_; }

    private:
        Pool* pool_;  // nothing: moved from
        Connection connection_;
    };

    base::Result<Lease> checkout();
    // One more connection, to keep.
    base::Result<Connection> connect() const { return Connection::open(path_, options_); }

private:
    Pool(const std::string& path, const Options& options, std::size_t idle_max);
    void give_back(Connection connection);

    const std::string path_;
    const Options options_;
    const std::size_t idle_max_;
    base::Guarded<std::vector<Connection>> idle_;
};

}  // namespace espalier::sqlite
