// The store's tables: what each blob is, and who owns it. Functions over a connection, so
// that whoever calls them decides what belongs into one transaction.
//
// A blob has any number of owners, also none (uploaded unsigned). An owner who deletes a blob
// leaves a mark for kGoneSeconds, so that a list can be continued behind a blob that its
// reader has just deleted.
//
// Threads: the one that owns the connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"
#include "protocol/list_query.h"
#include "sqlite/connection.h"

namespace espalier::store {

struct StoredBlob {
    protocol::BlobHash hash;
    std::uint64_t size = 0;  // bytes
    std::string type;
    std::int64_t uploaded = 0;  // unix seconds, of the first upload
};

// Who wants a blob to go.
struct Remover {
    std::optional<protocol::PublicKey> pubkey;  // nothing: unsigned
    bool may_remove_ownerless = false;
    std::int64_t now = 0;  // unix seconds
};

inline constexpr std::int64_t kGoneSeconds = std::int64_t{24} * 60 * 60;

extern const std::span<const std::string_view> kStoreSchema;

// Nothing: not known.
base::Result<std::optional<StoredBlob>> find_blob(sqlite::Connection& connection,
                                                  const protocol::BlobHash& hash);
// Records the blob unless it is known, and the owner; true = it was not known. `blob` is set
// to what is recorded (the first upload's type and time).
base::Result<bool> add_blob(sqlite::Connection& connection, StoredBlob& blob,
                            const std::optional<protocol::PublicKey>& owner);
// Takes the remover's ownership away; true = nobody owns it any more and its row is gone.
// Errors: missing; forbidden (somebody else's); unauthorized (owned, and the remover unsigned).
base::Result<bool> drop_blob(sqlite::Connection& connection, const protocol::BlobHash& hash,
                             const Remover& remover);
// The owner's blobs, newest first, equal times by hash. Error: invalid, when the cursor is
// not a blob that this owner has or had.
base::Result<std::vector<StoredBlob>> list_blobs(sqlite::Connection& connection,
                                                 const protocol::PublicKey& owner,
                                                 const protocol::ListQuery& query);

}  // namespace espalier::store
