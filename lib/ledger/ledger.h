// The Ledger is what must survive a restart: which replicas are still missing, which blobs were
// deleted and by which key, for whom the gateway itself keeps copies, and a snapshot of the map
// (hash → servers). Never a token.
//
// Two files: all but the snapshot is in `path`; each of its commits is on the disk before the
// caller returns (SQLite synchronous=FULL: it outlives kill -9 and the loss of power), shared by
// all who write at that moment. `path`.map holds the snapshot, which may be lost.
//
// Threads: any; one writer thread of its own. The Ledger outlives its callers' calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/guarded.h"
#include "protocol/blob_hash.h"
#include "sqlite/group_writer.h"
#include "sqlite/pool.h"

namespace espalier::ledger {

// A server that ought to hold a blob and does not, as far as we know.
struct MissingReplica {
    protocol::BlobHash hash;
    std::string server_url;
    std::int64_t since = 0;  // unix seconds
    std::string owner = {};  // whoever stored the blob: a public key in hex, "" unknown
};

// A copy that the gateway stored with a key of its own, for `owner`, who could neither list nor
// delete it at that server.
struct KeptCopy {
    protocol::BlobHash hash;
    std::string server_url;
    std::string owner;          // a public key in hex, "" unknown
    std::uint64_t size = 0;     // bytes; 0: not known
    std::string type = {};      // "" unknown
    std::int64_t uploaded = 0;  // unix seconds; 0: not known
};

struct StoredBytes {
    std::string server_url;
    std::int64_t bytes = 0;
};

struct MapRow {
    protocol::BlobHash hash;
    std::vector<std::string> servers;  // URLs, without line breaks
    std::int64_t time = 0;             // unix seconds
    std::optional<std::uint64_t> size = {};
    std::string type = {};           // "" unknown
    std::int64_t last_modified = 0;  // unix seconds, 0 unknown
    std::int64_t sunset = 0;         // unix seconds, 0 none
};

struct Options {
    std::uint64_t missing_max = 10'000'000;    // rows; beyond: unavailable
    std::uint64_t tombstones_max = 1'000'000;  // beyond: those that end soonest make room
};

class Ledger {
public:
    // ":memory:" lives as long as the object. Errors: storage, internal, naming the path.
    static base::Result<std::unique_ptr<Ledger>> open(const std::string& path,
                                                      const Options& options = {});

    // Returns when the rows are committed, all or none of them. What is known already keeps
    // its time and owner. Errors: unavailable (missing_max, or too many waiting), storage.
    base::Result<void> add_missing(const protocol::BlobHash& hash,
                                   const std::vector<std::string>& server_urls, std::int64_t now,
                                   const std::string& owner = {});
    // It is there now, or will never be. Returns at once; a crash within the next moment may forget
    // it, which costs one HEAD. Stays in order with an add_missing() that has returned.
    base::Result<void> no_longer_missing(const protocol::BlobHash& hash,
                                         const std::string& server_url);
    // No blob is missing at this server any more: it is not ours any more.
    base::Result<void> forget_server(const std::string& server_url);

    // `owner` (a public key in hex, "" unknown) has deleted this blob: until `until`, in unix
    // seconds, it is not to be brought back, and nobody misses it any more. Returns when that is
    // committed. It says nothing of who may read the blob: another owner's copy stays readable.
    // `gone_from`: where the gateway keeps nothing for this owner any more.
    base::Result<void> bury(const protocol::BlobHash& hash, const std::string& owner,
                            std::int64_t until, std::int64_t now,
                            const std::vector<std::string>& gone_from = {});
    // Somebody stores this blob anew: all its tombstones are gone. Returns when that is committed.
    base::Result<void> exhume(const protocol::BlobHash& hash);
    // Whether a tombstone of anybody's is in force; true also when the database cannot be read.
    bool buried(const protocol::BlobHash& hash, std::int64_t now);
    std::uint64_t tombstone_count();

    // The oldest ones, at most `limit`; empty when the database cannot be read.
    std::vector<MissingReplica> missing(std::size_t limit);
    // Those of one server, so that a dead one does not hide the others'; with `after`, those that
    // come later than it.
    std::vector<MissingReplica> missing(std::size_t limit, const std::string& server_url,
                                        const std::optional<MissingReplica>& after = {});
    std::uint64_t missing_count();

    // Before the gateway stores them: whoever lists or deletes for their owners needs to know of
    // them. What is known of them already is not forgotten. Returns when committed.
    base::Result<void> keep(const std::vector<KeptCopy>& copies);
    // All copies of this blob, whoever owns them; empty when the database cannot be read.
    std::vector<KeptCopy> kept(const protocol::BlobHash& hash);
    // Those of this owner that ought to be there by now: no replica that is missing.
    std::vector<KeptCopy> kept_for(const std::string& owner);
    // There is nothing there for this owner any more. Returns at once.
    base::Result<void> no_longer_kept(const protocol::BlobHash& hash, const std::string& server_url,
                                      const std::string& owner);

    // The bytes that have been stored at this server have changed by so many. Returns at once; a
    // crash within the next moment may forget it.
    base::Result<void> count_stored(const std::string& server_url, std::int64_t bytes);
    // The sum of these; empty when the database cannot be read.
    std::vector<StoredBytes> stored();

    // Replaces the snapshot, all or nothing.
    base::Result<void> save_map(const std::vector<MapRow>& rows);
    // The newest rows, newest first.
    base::Result<std::vector<MapRow>> load_map(std::size_t limit);

    sqlite::GroupWriter::Snapshot writes() const { return writer_.snapshot(); }

private:
    Ledger(const Options& options, std::unique_ptr<sqlite::Pool> missing,
           std::unique_ptr<sqlite::Pool> map, sqlite::Connection writer);
    std::uint64_t count(std::string_view sql);

    const Options options_;
    const std::unique_ptr<sqlite::Pool> missing_;
    const std::unique_ptr<sqlite::Pool> map_;
    sqlite::GroupWriter writer_;
};

}  // namespace espalier::ledger
