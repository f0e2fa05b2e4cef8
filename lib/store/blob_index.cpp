#include "store/blob_index.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace espalier::store {
namespace {

using protocol::BlobHash;
using protocol::PublicKey;
using sqlite::Connection;
using sqlite::Statement;

// `owners.uploaded` repeats the blob's, so that a list is read off one index. `gone` is when
// the owner deleted it, 0 = still there.
constexpr std::array<std::string_view, 1> kSteps{R"sql(
CREATE TABLE blobs(
    hash BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    uploaded INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE owners(
    hash BLOB NOT NULL,
    pubkey BLOB NOT NULL,
    uploaded INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(hash, pubkey)) WITHOUT ROWID;
CREATE INDEX owners_by_time ON owners(pubkey, uploaded DESC, hash);
CREATE INDEX owners_gone ON owners(gone) WHERE gone > 0;
)sql"};

BlobHash hash_of(std::span<const std::byte> bytes) {
    base::Digest digest{};
    const auto count = std::min(bytes.size(), digest.size());
    std::ranges::copy(bytes.first(count), digest.begin());
    return BlobHash(digest);
}

StoredBlob blob_of(const Statement& row) {
    return {.hash = hash_of(row.blob(0)),
            .size = static_cast<std::uint64_t>(row.integer(1)),
            .type = std::string(row.text(2)),
            .uploaded = row.integer(3)};
}

// The first column of the only row; nothing when there is no row.
template <class... Values>
base::Result<std::optional<std::int64_t>> number(Connection& connection, std::string_view sql,
                                                 const Values&... values) {
    auto query = connection.prepare(sql);
    if (!query) return std::unexpected(std::move(query).error());
    auto row = query->bind(values...).step();
    if (!row) return std::unexpected(std::move(row).error());
    return *row ? std::optional(query->integer(0)) : std::nullopt;
}

struct Ownership {
    std::int64_t owners = 0;
    bool mine = false;
};

base::Result<Ownership> ownership(Connection& connection, const BlobHash& hash,
                                  const std::optional<PublicKey>& pubkey) {
    auto owners = number(connection, "SELECT count(*) FROM owners WHERE hash = ?1 AND gone = 0",
                         hash.bytes());
    if (!owners) return std::unexpected(std::move(owners).error());
    Ownership found{.owners = owners->value_or(0), .mine = false};
    if (!pubkey) return found;
    auto mine =
        number(connection, "SELECT 1 FROM owners WHERE hash = ?1 AND pubkey = ?2 AND gone = 0",
               hash.bytes(), pubkey->bytes());
    if (!mine) return std::unexpected(std::move(mine).error());
    found.mine = mine->has_value();
    return found;
}

base::Result<void> may_drop(const Ownership& found, const Remover& remover) {
    if (found.mine) return {};
    if (found.owners == 0 && remover.may_remove_ownerless) return {};
    if (!remover.pubkey) {
        return base::fail(base::ErrorKind::unauthorized,
                          "this blob has an owner, who must sign to delete it",
                          base::Origin::client);
    }
    return base::fail(base::ErrorKind::forbidden, "this blob belongs to somebody else",
                      base::Origin::client);
}

base::Result<void> mark_gone(Connection& connection, const BlobHash& hash, const Remover& remover) {
    auto purged = connection.execute("DELETE FROM owners WHERE gone > 0 AND gone < ?1",
                                     remover.now - kGoneSeconds);
    if (!purged || !remover.pubkey) return purged;
    return connection.execute("UPDATE owners SET gone = ?3 WHERE hash = ?1 AND pubkey = ?2",
                              hash.bytes(), remover.pubkey->bytes(), remover.now);
}

base::Result<std::optional<std::int64_t>> cursor_time(Connection& connection,
                                                      const PublicKey& owner,
                                                      const protocol::ListQuery& query) {
    if (!query.cursor) return std::nullopt;
    auto uploaded =
        number(connection, "SELECT uploaded FROM owners WHERE hash = ?1 AND pubkey = ?2",
               query.cursor->bytes(), owner.bytes());
    if (uploaded && !*uploaded) {
        return base::fail(base::ErrorKind::invalid, "the cursor is not one of this list's blobs",
                          base::Origin::client);
    }
    return uploaded;
}

constexpr std::string_view kList =
    "SELECT blobs.hash, size, type, owners.uploaded FROM owners JOIN blobs USING(hash)"
    " WHERE pubkey = ?1 AND gone = 0 AND owners.uploaded BETWEEN ?2 AND ?3"
    " AND (owners.uploaded < ?3 OR ?4 IS NULL OR owners.hash > ?4)"
    " ORDER BY owners.uploaded DESC, owners.hash LIMIT ?5";

}  // namespace

const std::span<const std::string_view> kStoreSchema = kSteps;

base::Result<std::optional<StoredBlob>> find_blob(Connection& connection, const BlobHash& hash) {
    auto query = connection.prepare("SELECT hash, size, type, uploaded FROM blobs WHERE hash = ?1");
    if (!query) return std::unexpected(std::move(query).error());
    auto row = query->bind(hash.bytes()).step();
    if (!row) return std::unexpected(std::move(row).error());
    return *row ? std::optional(blob_of(*query)) : std::nullopt;
}

base::Result<bool> add_blob(Connection& connection, StoredBlob& blob,
                            const std::optional<PublicKey>& owner) {
    auto known = find_blob(connection, blob.hash);
    if (!known) return std::unexpected(std::move(known).error());
    const bool fresh = !known->has_value();
    base::Result<void> done;
    if (fresh) {
        done = connection.execute("INSERT INTO blobs VALUES(?1, ?2, ?3, ?4)", blob.hash.bytes(),
                                  blob.size, blob.type, blob.uploaded);
    } else {
        blob = **known;
    }
    if (done && owner) {
        done = connection.execute("INSERT OR REPLACE INTO owners VALUES(?1, ?2, ?3, 0)",
                                  blob.hash.bytes(), owner->bytes(), blob.uploaded);
    }
    if (!done) return std::unexpected(std::move(done).error());
    return fresh;
}

base::Result<bool> drop_blob(Connection& connection, const BlobHash& hash, const Remover& remover) {
    auto known = find_blob(connection, hash);
    if (!known) return std::unexpected(std::move(known).error());
    if (!*known) {
        return base::fail(base::ErrorKind::missing, "there is no such blob here",
                          base::Origin::client);
    }
    auto found = ownership(connection, hash, remover.pubkey);
    if (!found) return std::unexpected(std::move(found).error());
    auto done = may_drop(*found, remover);
    if (done) done = mark_gone(connection, hash, remover);
    if (!done) return std::unexpected(std::move(done).error());
    if (found->owners > 1) return false;
    done = connection.execute("DELETE FROM blobs WHERE hash = ?1", hash.bytes());
    if (!done) return std::unexpected(std::move(done).error());
    return true;
}

base::Result<std::vector<StoredBlob>> list_blobs(Connection& connection, const PublicKey& owner,
                                                 const protocol::ListQuery& query) {
    auto time = cursor_time(connection, owner, query);
    if (!time) return std::unexpected(std::move(time).error());
    constexpr auto kNever = std::numeric_limits<std::int64_t>::min();
    constexpr auto kForever = std::numeric_limits<std::int64_t>::max();
    const auto until = query.until.value_or(kForever);
    // The cursor counts only while it is not later than `until`: then ties go by its hash.
    const bool by_cursor = *time && **time <= until;
    auto statement = connection.prepare(kList);
    if (!statement) return std::unexpected(std::move(statement).error());
    const auto since = query.since.value_or(kNever);
    if (by_cursor) {
        statement->bind(owner.bytes(), since, **time, query.cursor->bytes(), query.limit);
    } else {
        statement->bind(owner.bytes(), since, until, nullptr, query.limit);
    }
    std::vector<StoredBlob> found;
    auto read = statement->each([&](const Statement& row) { found.push_back(blob_of(row)); });
    if (!read) return std::unexpected(std::move(read).error());
    return found;
}

}  // namespace espalier::store
