#include "sqlite/pool.h"

#include <cstdint>
#include <optional>

#include "base/text.h"

namespace espalier::sqlite {
namespace {

// SQLite's memdb shares a database among the connections of a process that use one name.
std::string resolve(const std::string& path, const Pool* pool) {
    if (path != ":memory:") return path;
    return base::text("file:/pool-", reinterpret_cast<std::uintptr_t>(pool), "?vfs=memdb");
}

}  // namespace

Pool::Pool(const std::string& path, const Options& options, std::size_t idle_max)
    : path_(resolve(path, this)), options_(options), idle_max_(idle_max) {}

base::Result<std::unique_ptr<Pool>> Pool::open(const std::string& path, const Options& options,
                                               std::size_t idle_max) {
    if (path.empty()) return base::fail(base::ErrorKind::invalid, "a database needs a path");
    std::unique_ptr<Pool> pool(new Pool(path, options, std::max<std::size_t>(idle_max, 1)));
    auto first = pool->connect();
    if (!first) return std::unexpected(std::move(first).error());
    pool->give_back(std::move(*first));
    return pool;
}

base::Result<Pool::Lease> Pool::checkout() {
    auto connection = idle_.with([](auto& idle) -> std::optional<Connection> {
        if (idle.empty()) return std::nullopt;
        std::optional<Connection> last(std::move(idle.back()));
        idle.pop_back();
        return last;
    });
    if (connection) return Lease(*this, std::move(*connection));
    auto another = connect();
    if (!another) return std::unexpected(std::move(another).error());
    return Lease(*this, std::move(*another));
}

// One that is not kept is closed by the parameter's death, outside of the lock.
void Pool::give_back(Connection connection) {
    if (connection.in_transaction()) {
        [[maybe_unused]] const auto undone = connection.execute("ROLLBACK");
    }
    idle_.with([&](auto& idle) {
        if (idle.size() < idle_max_) idle.push_back(std::move(connection));
    });
}

Pool::Lease::Lease(Pool& pool, Connection connection)
    : pool_(&pool), connection_(std::move(connection)) {}

Pool::Lease::~Lease() {
    if (pool_ != nullptr) pool_->give_back(std::move(connection_));
}

}  // namespace espalier::sqlite
