// The NegativeCache remembers for a short while that nobody has a blob.
//
// Bounded in count and time; filled on unanimous answers only, cleared by a PUT.
//
// Threads: any.
#pragma once

#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

class NegativeCache {
public:
    NegativeCache(base::Milliseconds ttl, std::size_t entries_max)
        : ttl_(ttl), entries_max_(entries_max) {}

    bool has(const protocol::BlobHash& hash, base::Steady::time_point now) const {
        return entries_.with([&](const Entries& entries) {
            const auto found = entries.find(hash);
            return found != entries.end() && now < found->second;
        });
    }
    void add(const protocol::BlobHash& hash, base::Steady::time_point now) {
        if (ttl_.count() == 0) return;
        entries_.with([&](Entries& entries) {
            if (entries.size() >= entries_max_)
                std::erase_if(entries, [&](const auto& entry) { return entry.second <= now; });
            if (entries.size() >= entries_max_) entries.erase(entries.begin());
            entries.insert_or_assign(hash, now + ttl_);
        });
    }
    void remove(const protocol::BlobHash& hash) {
        entries_.with([&](Entries& entries) { entries.erase(hash); });
    }
    std::size_t size() const {
        return entries_.with([](const Entries& entries) { return entries.size(); });
    }

private:
    using Entries = std::unordered_map<protocol::BlobHash, base::Steady::time_point>;
    const base::Milliseconds ttl_;
    const std::size_t entries_max_;
    base::Guarded<Entries> entries_;
};

}  // namespace espalier::fanout
