#include "dashboard/assets.h"

#include <algorithm>
#include <vector>

#include "base/hex.h"
#include "base/sha256.h"
#include "dashboard/embedded.h"

namespace espalier::dashboard {
namespace {

std::string etag_of(std::string_view bytes) {
    constexpr std::size_t kDigits = 16;
    return '"' + base::to_hex(base::Sha256::of(bytes)).substr(0, kDigits) + '"';
}

std::vector<Asset> load() {
    std::vector<Asset> all;
    for (const auto& [path, type, bytes] : embedded_files())
        all.push_back({path, type, bytes, etag_of(bytes)});
    return all;
}

}  // namespace

std::span<const Asset> assets() {
    static const std::vector<Asset> loaded = load();
    return loaded;
}

const Asset* find_asset(std::string_view path) {
    const auto all = assets();
    const auto found = std::ranges::find(all, path, &Asset::path);
    return found == all.end() ? nullptr : &*found;
}

}  // namespace espalier::dashboard
