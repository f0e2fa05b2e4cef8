#include "fanout/live_writes.h"

#include <algorithm>
#include <vector>

namespace espalier::fanout {

void LiveWrites::add(const protocol::BlobHash& hash, const std::string& owner,
                     const std::shared_ptr<Write>& write) {
    writes_.with([&](Writes& writes) {
        // When the table would grow anyway: then the sweep costs no more than the growth.
        if (static_cast<float>(writes.size() + 1) >
            writes.max_load_factor() * static_cast<float>(writes.bucket_count()))
            std::erase_if(writes, [](const auto& entry) { return entry.second.write.expired(); });
        writes.emplace(hash, Entry{owner, write});
    });
}

bool LiveWrites::cut(const protocol::BlobHash& hash, const std::string& owner) {
    std::vector<std::weak_ptr<Write>> found;
    writes_.with([&](Writes& writes) {
        const auto [begin, end] = writes.equal_range(hash);
        for (auto entry = begin; entry != end;) {
            if (entry->second.owner == owner) {
                found.push_back(entry->second.write);
                entry = writes.erase(entry);
            } else {
                ++entry;
            }
        }
    });
    bool any = false;
    for (const auto& one : found)
        if (const auto write = one.lock()) {
            write->cut();
            any = true;
        }
    return any;
}

bool LiveWrites::under_way(const protocol::BlobHash& hash) const {
    return writes_.with([&](const Writes& writes) {
        const auto [begin, end] = writes.equal_range(hash);
        return std::any_of(begin, end, [](const auto& entry) {
            const auto write = entry.second.write.lock();
            return write && !write->is_repair();
        });
    });
}

}  // namespace espalier::fanout
