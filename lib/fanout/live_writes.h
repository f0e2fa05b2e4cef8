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
};

class LiveWrites {
public:
    // `owner`: the uploader's public key in hex.
    void add(const protocol::BlobHash& hash, const std::string& owner,
             const std::shared_ptr<Write>& write);
    // Ends those of this owner; another's go on.
    void cut(const protocol::BlobHash& hash, const std::string& owner);
    std::size_t size() const {
        return writes_.with([](const Writes& writes) { return writes.size(); });
    }

private:
    using Writes = std::unordered_multimap<std::string, std::weak_ptr<Write>>;  // by hash and owner

    base::Guarded<Writes> writes_;
};

}  // namespace espalier::fanout
