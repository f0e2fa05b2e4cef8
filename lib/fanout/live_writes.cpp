#include "fanout/live_writes.h"

#include <vector>

namespace espalier::fanout {

void LiveWrites::add(const protocol::BlobHash& hash, const std::string& owner,
                     const std::shared_ptr<Write>& write) {
    writes_.with([&](Writes& writes) {
        // When the table would grow anyway: then the sweep costs no more than the growth.
        if (static_cast<float>(writes.size() + 1) >
            writes.max_load_factor() * static_cast<float>(writes.bucket_count()))
            std::erase_if(writes, [](const auto& entry) { return entry.second.expired(); });
        writes.emplace(hash.hex() + owner, write);
    });
}

void LiveWrites::cut(const protocol::BlobHash& hash, const std::string& owner) {
    std::vector<std::weak_ptr<Write>> found;
    writes_.with([&](Writes& writes) {
        const auto [begin, end] = writes.equal_range(hash.hex() + owner);
        for (auto entry = begin; entry != end; ++entry) found.push_back(entry->second);
        writes.erase(begin, end);
    });
    for (const auto& one : found)
        if (const auto write = one.lock()) write->cut();
}

}  // namespace espalier::fanout
