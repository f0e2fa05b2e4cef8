#include "support/profiles.h"

#include <algorithm>
#include <array>

namespace espalier::test {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20U;

std::string host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return std::string(url.substr(0, std::min(url.find_first_of(":/"), url.size())));
}

const std::set<Op> kWrites = {Op::upload, Op::mirror, Op::media, Op::remove};

Script plain(std::string_view /*url*/) {
    return {};
}

// Wants to be paid for larger blobs (BUD-07).
Script paying(std::string_view /*url*/) {
    Script script;
    script.auth.required = kWrites;
    script.auth.verify = true;
    script.free_bytes_max = 1'000'000;
    return script;
}

struct Profile {
    std::string_view name;
    Script (*make)(std::string_view url);
};

constexpr std::array<Profile, 7> kProfiles{
    Profile{"plain", plain},           Profile{"paying", paying}, Profile{"reference6", reference6},
    Profile{"reference4", reference4}, Profile{"khatru", khatru}, Profile{"route96", route96},
    Profile{"nostrcheck", nostrcheck}};

}  // namespace

Script reference6(std::string_view url) {
    Script script;
    script.early_known = true;
    script.uploads_max = 4;
    script.require_length = true;
    script.check_status = 204;
    script.mirrored_status = 200;
    script.mirror_mismatch_status = 403;
    script.mirror_refuses_private = true;
    script.auth.required = kWrites;
    script.auth.check_reads = true;
    script.auth.verify = true;
    script.auth.malformed = 400;
    if (!url.empty()) script.auth.servers = {host_of(url), std::string(url)};
    return script;
}

Script reference4(std::string_view /*url*/) {
    Script script;
    script.auth.required = kWrites;
    script.auth.verify = true;
    script.auth.once = true;
    script.stored_status = 200;
    script.size_zero_below = 1024;
    script.sniffs_type = true;
    script.foreign_delete_lies = true;
    script.on(Op::check).status = 404;
    return script;
}

Script khatru(std::string_view /*url*/) {
    Script script;
    script.auth.required = kWrites;
    script.auth.verify = true;
    script.auth.std_padded_only = true;
    script.auth.unreadable = 400;
    script.auth.unreadable_upload = 404;
    script.missing_status = 500;
    script.stored_status = 200;
    script.sniffs_type = true;
    return script;
}

Script route96(std::string_view url) {
    Script script;
    script.auth.required = kWrites;
    script.auth.required.insert({Op::check, Op::list});
    script.auth.verify = true;
    script.auth.std_padded_only = true;
    script.auth.age_max = 180;
    script.auth.expired = 400;
    script.auth.wrong_verb = 400;
    script.auth.wrong_x = 401;
    if (!url.empty()) script.auth.servers = {std::string(url), std::string(url) + "/"};
    script.open_range_max = 8 * kMebibyte;
    script.require_sha256 = true;
    script.stored_status = 200;
    script.mirrored_status = 200;
    script.has_media = true;
    return script;
}

Script nostrcheck(std::string_view /*url*/) {
    Script script;
    script.auth.required = kWrites;
    script.auth.verify = true;
    script.missing_head_status = 200;
    script.missing_headers = {{"X-Reason", "File not found"}};
    return script;
}

std::vector<std::string_view> profile_names() {
    std::vector<std::string_view> names;
    names.reserve(kProfiles.size());
    for (const auto& [name, make] : kProfiles) names.push_back(name);
    return names;
}

std::optional<Script> profile(std::string_view name, std::string_view url) {
    const auto found = std::ranges::find(kProfiles, name, &Profile::name);
    if (found == kProfiles.end()) return std::nullopt;
    return found->make(url);
}

}  // namespace espalier::test
