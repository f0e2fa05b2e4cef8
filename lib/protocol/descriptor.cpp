#include "protocol/descriptor.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace espalier::protocol {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// Whole numbers, and the decimals that some servers make of them, within 0…2^53.
std::uint64_t number_of(const json& object, const char* name) {
    constexpr double kExactMax = 9007199254740992.0;
    const auto at = object.find(name);
    if (at == object.end()) return 0;
    if (at->is_number_unsigned()) return at->get<std::uint64_t>();
    if (!at->is_number_float()) return 0;
    const auto value = at->get<double>();
    return value >= 0 && value <= kExactMax ? static_cast<std::uint64_t>(value) : 0;
}

// Nothing unless it is an array of arrays of strings: some servers send an object.
Tags tags_of(const json& object, const char* name) {
    Tags tags;
    const auto at = object.find(name);
    if (at == object.end() || !at->is_array()) return tags;
    for (const auto& from : *at) {
        if (!from.is_array()) return {};
        auto& tag = tags.emplace_back();
        for (const auto& value : from) {
            if (!value.is_string()) return {};
            tag.push_back(value.get<std::string>());
        }
    }
    return tags;
}

std::vector<Mirror> mirrors_of(const json& object) {
    std::vector<Mirror> mirrors;
    const auto at = object.find("mirrors");
    if (at == object.end() || !at->is_array()) return mirrors;
    for (const auto& from : *at)
        if (from.is_object()) mirrors.push_back({text_of(from, "url"), text_of(from, "status")});
    return mirrors;
}

}  // namespace

base::Result<Descriptor> parse_descriptor(std::string_view json_text) {
    if (json_text.size() > kDescriptorBytesMax)
        return base::fail(base::ErrorKind::too_large, "the descriptor is too long");
    const auto object = json::parse(json_text, nullptr, false);
    if (!object.is_object())
        return base::fail(base::ErrorKind::invalid, "the descriptor is not a JSON object");
    const auto hash = BlobHash::parse(base::ascii_lower(text_of(object, "sha256")));
    if (!hash) return base::fail(base::ErrorKind::invalid, "the descriptor has no valid sha256");
    constexpr std::uint64_t kLatest = std::numeric_limits<std::int64_t>::max();
    return Descriptor{
        .url = text_of(object, "url"),
        .sha256 = *hash,
        .size = number_of(object, "size"),
        .type = text_of(object, "type"),
        .uploaded = static_cast<std::int64_t>(std::min(number_of(object, "uploaded"), kLatest)),
        .nip94 = tags_of(object, "nip94"),
        .mirrors = mirrors_of(object)};
}

std::string to_json(const Descriptor& descriptor) {
    nlohmann::ordered_json object{{"url", descriptor.url},
                                  {"sha256", descriptor.sha256.hex()},
                                  {"size", descriptor.size},
                                  {"type", descriptor.type},
                                  {"uploaded", descriptor.uploaded}};
    if (!descriptor.nip94.empty()) object["nip94"] = descriptor.nip94;
    for (const auto& mirror : descriptor.mirrors)
        object["mirrors"].push_back({{"url", mirror.url}, {"status", mirror.status}});
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Tags nip94_tags(const std::vector<std::string>& urls, const BlobHash& hash, std::string_view mime,
                std::uint64_t size, Nip94Urls mode, std::optional<BlobHash> original) {
    Tags tags;
    for (std::size_t i = 0; i < urls.size(); ++i)
        if (i == 0 || mode != Nip94Urls::fallback) tags.push_back({"url", urls[i]});
    for (std::size_t i = 1; i < urls.size(); ++i)
        if (mode != Nip94Urls::multi) tags.push_back({"fallback", urls[i]});
    tags.push_back({"m", std::string(mime)});
    tags.push_back({"x", hash.hex()});
    tags.push_back({"ox", original.value_or(hash).hex()});
    tags.push_back({"size", base::text(size)});
    return tags;
}

}  // namespace espalier::protocol
