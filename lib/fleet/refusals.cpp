#include "fleet/refusals.h"

#include <algorithm>

namespace espalier::fleet {

void Refusals::refused_size(std::uint64_t bytes, Time now, base::Milliseconds ttl) {
    const bool smaller_known = size_ && now < size_->until && size_->bytes_from < bytes;
    size_ = Size{smaller_known ? size_->bytes_from : bytes, now + ttl};
}

void Refusals::refused_type(std::string_view type, Time now, base::Milliseconds ttl) {
    types_.insert_or_assign(std::string(type), now + ttl);
    if (types_.size() <= kTypesMax) return;
    types_.erase(
        std::ranges::min_element(types_, {}, [](const auto& rule) { return rule.second; }));
}

void Refusals::accepted(std::uint64_t bytes, std::string_view type) {
    if (size_ && bytes >= size_->bytes_from) size_.reset();
    if (const auto found = types_.find(type); found != types_.end()) types_.erase(found);
}

bool Refusals::covers_size(std::uint64_t bytes, Time now) const {
    return size_ && now < size_->until && bytes >= size_->bytes_from;
}

bool Refusals::covers_type(std::string_view type, Time now) const {
    const auto found = types_.find(type);
    return found != types_.end() && now < found->second;
}

Refusals::Known Refusals::known(Time now) const {
    Known known;
    if (size_ && now < size_->until) known.bytes_from = size_->bytes_from;
    for (const auto& [type, until] : types_)
        if (now < until) known.types.push_back(type);
    return known;
}

}  // namespace espalier::fleet
