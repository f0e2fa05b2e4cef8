#include "dashboard/uploaders.h"

#include <algorithm>

namespace espalier::dashboard {

void Uploaders::count(std::string_view pubkey, std::uint64_t bytes) {
    by_key_.with([&, key = std::string(pubkey)](auto& by_key) {
        if (by_key.size() >= keys_max_ && !by_key.contains(key)) return;
        auto& uploader = by_key[key];
        uploader.pubkey = key;
        ++uploader.uploads;
        uploader.bytes += bytes;
    });
}

std::vector<Uploader> Uploaders::top(std::size_t limit) const {
    auto all = by_key_.with([](const auto& by_key) {
        std::vector<Uploader> copy;
        copy.reserve(by_key.size());
        for (const auto& [key, uploader] : by_key) copy.push_back(uploader);
        return copy;
    });
    std::ranges::sort(all, [](const Uploader& a, const Uploader& b) {
        return a.bytes != b.bytes ? a.bytes > b.bytes : a.pubkey < b.pubkey;
    });
    all.resize(std::min(all.size(), limit));
    return all;
}

}  // namespace espalier::dashboard
