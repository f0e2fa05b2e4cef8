#include "store/blob_folder.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite/migrate.h"
#include "store/files.h"

namespace espalier::store {
namespace {

std::string incoming_folder(const std::string& path) {
    return path + "/incoming";
}

base::Result<std::unique_ptr<sqlite::Pool>> open_database(const std::string& path) {
    auto pool =
        sqlite::Pool::open(path, {.synchronous = sqlite::Synchronous::full, .cache_kib = 512});
    if (!pool) return pool;
    auto connection = (*pool)->checkout();
    if (!connection) return std::unexpected(std::move(connection).error());
    auto migrated = sqlite::migrate(**connection, kStoreSchema);
    if (!migrated) return std::unexpected(std::move(migrated).error());
    return pool;
}

// On return it is durable that the folder is there.
base::Result<void> prepare(const std::string& path) {
    const bool is_new = ::access(path.c_str(), F_OK) != 0;
    auto done = make_folder(path);
    if (done) done = make_folder(incoming_folder(path));
    if (!done || !is_new) return done;
    return sync_folder(path + "/..");
}

bool has_size(const base::Fd& file, std::uint64_t size) {
    struct stat about{};
    return ::fstat(file.get(), &about) == 0 && static_cast<std::uint64_t>(about.st_size) == size;
}

std::unexpected<base::Error> no_such_blob() {
    return base::fail(base::ErrorKind::missing, "there is no such blob here", base::Origin::client);
}

}  // namespace

base::Result<std::unique_ptr<BlobFolder>> BlobFolder::open(const std::string& path) {
    if (auto done = prepare(path); !done) return std::unexpected(std::move(done).error());
    auto lock = lock_file(path + "/lock");
    if (!lock) return std::unexpected(std::move(lock).error());
    // Only now: what lies there might have been somebody's.
    auto cleared = clear_folder(incoming_folder(path));
    if (!cleared) return std::unexpected(std::move(cleared).error());
    auto pool = open_database(path + "/store.db");
    if (!pool) return std::unexpected(std::move(pool).error());
    auto writer = (*pool)->connect();
    if (!writer) return std::unexpected(std::move(writer).error());
    return std::unique_ptr<BlobFolder>(
        new BlobFolder(path, std::move(*lock), std::move(*pool), std::move(*writer)));
}

BlobFolder::BlobFolder(std::string path, base::Fd lock, std::unique_ptr<sqlite::Pool> pool,
                       sqlite::Connection writer)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      pool_(std::move(pool)),
      writer_(std::move(writer), {.thread_name = "store-writer"}) {}

std::string BlobFolder::folder_of(const protocol::BlobHash& hash) const {
    return path_ + "/" + hash.hex().substr(0, 2);
}

std::string BlobFolder::path_of(const protocol::BlobHash& hash) const {
    return folder_of(hash) + "/" + hash.hex();
}

base::Result<Incoming> BlobFolder::receive() const {
    return Incoming::create(incoming_folder(path_));
}

// On the writer's thread: whoever finds the folder there finds it durable.
base::Result<void> BlobFolder::prepare_folder(const protocol::BlobHash& hash) const {
    const auto folder = folder_of(hash);
    if (::access(folder.c_str(), F_OK) == 0) return {};
    auto made = make_folder(folder);
    return made ? sync_folder(path_) : made;
}

base::Result<BlobFolder::Kept> BlobFolder::keep(Incoming incoming, StoredBlob blob,
                                                const std::optional<protocol::PublicKey>& owner) {
    Kept kept{.blob = std::move(blob), .fresh = false};
    kept.blob.size = incoming.size();
    const auto path = path_of(kept.blob.hash);
    auto done = writer_.commit([&](sqlite::Connection& connection) -> base::Result<void> {
        auto added = add_blob(connection, kept.blob, owner);
        if (!added) return std::unexpected(std::move(added).error());
        kept.fresh = *added;
        auto ready = prepare_folder(kept.blob.hash);
        // Also over a known one: it heals a file that was lost.
        return ready ? incoming.move_to(path) : ready;
    });
    if (done) done = sync_folder(folder_of(kept.blob.hash));
    if (!done) return std::unexpected(std::move(done).error());
    return kept;
}

base::Result<BlobFolder::Opened> BlobFolder::open_blob(const protocol::BlobHash& hash) const {
    auto connection = pool_->checkout();
    if (!connection) return std::unexpected(std::move(connection).error());
    auto blob = find_blob(**connection, hash);
    if (!blob) return std::unexpected(std::move(blob).error());
    if (!*blob) return no_such_blob();
    base::Fd file(::open(path_of(hash).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno != ENOENT) return std::unexpected(file_error("open", path_of(hash)));
    if (!file || !has_size(file, (*blob)->size)) return no_such_blob();
    return Opened{.blob = std::move(**blob), .file = std::move(file)};
}

// The file goes before the commit: a file that comes back after a delete would be worse than
// a row that is left without one.
base::Result<void> BlobFolder::remove(const protocol::BlobHash& hash, const Remover& remover) {
    const auto path = path_of(hash);
    bool emptied = false;
    auto done = writer_.commit([&](sqlite::Connection& connection) -> base::Result<void> {
        auto dropped = drop_blob(connection, hash, remover);
        if (!dropped) return std::unexpected(std::move(dropped).error());
        emptied = *dropped;
        if (!emptied || ::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
        return std::unexpected(file_error("remove", path));
    });
    return done && emptied ? sync_folder(folder_of(hash)) : done;
}

base::Result<std::vector<StoredBlob>> BlobFolder::list(const protocol::PublicKey& owner,
                                                       const protocol::ListQuery& query) const {
    auto connection = pool_->checkout();
    if (!connection) return std::unexpected(std::move(connection).error());
    return list_blobs(**connection, owner, query);
}

}  // namespace espalier::store
