// The BlobMap remembers which upstreams have which blob, and what a HEAD of it says.
//
// Bounded in count and time: beyond `entries_max` the oldest unused entry makes room, and an
// entry older than `ttl` is a miss. Costs at most 100 bytes an entry.
//
// Threads: any; sharded, a lookup holds one shard's lock for a few dozen nanoseconds and may
// be made by a reactor.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "fleet/upstream.h"
#include "protocol/blob_hash.h"

namespace espalier::fleet {

// What we know of a blob besides where it is.
struct BlobFacts {
    std::optional<std::uint64_t> size;
    std::string_view type;           // "" unknown; lives as long as the map
    std::int64_t last_modified = 0;  // unix seconds, 0 unknown
    std::int64_t sunset = 0;         // unix seconds, 0 none
};

struct BlobEntry {
    UpstreamSet servers;
    BlobFacts facts;
    base::Steady::time_point verified;  // when a server last confirmed it
};

struct MappedBlob {
    protocol::BlobHash hash;
    BlobEntry entry;
};

class BlobMap {
public:
    struct Options {
        std::size_t entries_max = 1000;
        base::Milliseconds ttl{300'000};
    };
    // How many of the blobs have so many copies; none of them has 0.
    using Copies = std::array<std::uint32_t, kUpstreamsMax + 1>;
    struct Snapshot {
        std::size_t entries = 0;
        std::size_t bytes = 0;
        std::uint64_t evicted = 0;
        Copies copies{};
    };

    explicit BlobMap(const Options& options);
    ~BlobMap();
    BlobMap(const BlobMap&) = delete;
    BlobMap& operator=(const BlobMap&) = delete;

    // Only these are given from now on; what is known of others stays. Before: all.
    void serve_only(UpstreamSet servers) { served_ = servers.bits(); }
    // Nothing when unknown, older than the ttl, or nowhere that is served.
    std::optional<BlobEntry> find(const protocol::BlobHash& hash, base::Steady::time_point now);
    // `server`, asked at `asked`, has confirmed the blob. Facts that are known replace unknown
    // ones. Ignored when the blob was deleted after the question.
    void learn(const protocol::BlobHash& hash, UpstreamId server, const BlobFacts& facts,
               base::Steady::time_point asked);
    // `server` has said that it lacks the blob.
    void forget(const protocol::BlobHash& hash, UpstreamId server);
    // The blob has been deleted: what was asked before `now` counts no more.
    void deleted(const protocol::BlobHash& hash, base::Steady::time_point now);
    // true once per `interval` and hash: who gets it re-checks the entry.
    bool claim_check(const protocol::BlobHash& hash, base::Steady::time_point now,
                     base::Milliseconds interval);
    Snapshot snapshot() const;

    // For a later process: at most `limit` entries, newest first, none older than the ttl. Holds
    // one shard's lock at a time.
    std::vector<MappedBlob> newest(std::size_t limit, base::Steady::time_point now) const;
    // What an earlier process knew. What has been learnt since goes before it.
    void restore(const MappedBlob& blob);

private:
    class Shard;
    class Types;
    Shard& shard_of(const protocol::BlobHash& hash) const;
    bool outdated(const protocol::BlobHash& hash, base::Steady::time_point asked) const;

    const Options options_;
    std::atomic<std::uint64_t> served_{~std::uint64_t{0}};  // bits of an UpstreamSet
    const base::Steady::time_point epoch_;  // no entry that is still believed is older
    const std::unique_ptr<Types> types_;
    std::vector<std::unique_ptr<Shard>> shards_;
    // The last deletes, so that a HEAD under way meanwhile cannot bring a blob back.
    base::Guarded<std::unordered_map<protocol::BlobHash, base::Steady::time_point>> deleted_;
};

}  // namespace espalier::fleet
