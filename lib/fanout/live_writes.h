// LiveWrites knows the uploads and mirrors that still go on behind their replies, by blob and
// owner, so that a delete can end them: what was deleted must not come back. A server that has
// got every byte already may store them all the same.
//
// Bounded by what is under way: those that have ended are forgotten.
//
// Threads: any.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/guarded.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

class Write {
public:
    virtual ~Write() = default;
    // From any thread: nobody who has not stored the blob yet shall store it.
    virtual void cut() = 0;
    // Brings what an earlier write could not.
    virtual bool is_repair() const { return false; }
};

class LiveWrites {
public:
    // `owner`: the uploader's public key in hex, "" unknown.
    void add(const protocol::BlobHash& hash, const std::string& owner,
             const std::shared_ptr<Write>& write);
    // Ends those of this owner; another's go on. False: there was none.
    bool cut(const protocol::BlobHash& hash, const std::string& owner);
    // Whether a client's own upload or mirror of this blob still goes on.
    bool under_way(const protocol::BlobHash& hash) const;
    std::size_t size() const {
        return writes_.with([](const Writes& writes) { return writes.size(); });
    }

private:
    struct Entry {
        std::string owner;
        std::weak_ptr<Write> write;
    };
    using Writes = std::unordered_multimap<protocol::BlobHash, Entry>;

    base::Guarded<Writes> writes_;
};

}  // namespace espalier::fanout
