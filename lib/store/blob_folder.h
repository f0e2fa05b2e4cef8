// A BlobFolder keeps blobs in one folder: the bytes of each in <folder>/<2 hex>/<hash>, what
// else is known about them in <folder>/store.db.
//
// A blob is written to <folder>/incoming, put on the disk, and renamed to its place inside
// the transaction that records it. So what is recorded is whole, whenever the process dies;
// a file without a row (killed between the two) is not served and is replaced by the next
// upload of the same bytes.
//
// Threads: any. One process per folder (a lock sees to it).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"
#include "sqlite/group_writer.h"
#include "sqlite/pool.h"
#include "store/blob_index.h"
#include "store/incoming.h"

namespace espalier::store {

class BlobFolder {
public:
    // Makes the folder if need be (not its parents) and removes what unfinished uploads have
    // left. Errors: storage; unavailable when another process serves it.
    static base::Result<std::unique_ptr<BlobFolder>> open(const std::string& path);

    struct Kept {
        StoredBlob blob;
        bool fresh = false;  // it was not here before
    };
    struct Opened {
        StoredBlob blob;
        base::Fd file;
    };

    base::Result<Incoming> receive() const;
    // Makes `incoming`, which is finished and called `blob.hash`, a blob; `blob.size` is set
    // from it. On return it is durable.
    base::Result<Kept> keep(Incoming incoming, StoredBlob blob,
                            const std::optional<protocol::PublicKey>& owner);
    // Error: missing, also when the file is not there or not of the recorded size.
    base::Result<Opened> open_blob(const protocol::BlobHash& hash) const;
    // Errors as drop_blob(). While others own the blob, it stays.
    base::Result<void> remove(const protocol::BlobHash& hash, const Remover& remover);
    base::Result<std::vector<StoredBlob>> list(const protocol::PublicKey& owner,
                                               const protocol::ListQuery& query) const;

private:
    BlobFolder(std::string path, base::Fd lock, std::unique_ptr<sqlite::Pool> pool,
               sqlite::Connection writer);
    std::string folder_of(const protocol::BlobHash& hash) const;
    std::string path_of(const protocol::BlobHash& hash) const;
    base::Result<void> prepare_folder(const protocol::BlobHash& hash) const;

    const std::string path_;
    const base::Fd lock_;
    const std::unique_ptr<sqlite::Pool> pool_;
    // Files are moved and removed on its thread only, so no two of them can cross.
    sqlite::GroupWriter writer_;
};

}  // namespace espalier::store
