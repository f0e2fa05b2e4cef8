#include "protocol/mirror_request.h"

#include <nlohmann/json.hpp>

namespace espalier::protocol {
namespace {

// Without query and fragment.
std::string_view path_of(std::string_view url) {
    return url.substr(0, url.find_first_of("?#"));
}

}  // namespace

std::optional<std::string> mirror_url(std::string_view body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto url = json.find("url");
    if (url == json.end() || !url->is_string()) return std::nullopt;
    return url->get<std::string>();
}

std::string mirror_request(std::string_view url) {
    return nlohmann::json{{"url", url}}.dump(-1, ' ', false,
                                             nlohmann::json::error_handler_t::replace);
}

std::optional<BlobHash> hash_in_url(std::string_view url) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    const auto path = path_of(url);
    for (auto end = path.find_last_of(kHexDigits); end != std::string_view::npos;) {
        const auto before = path.find_last_not_of(kHexDigits, end);
        const auto start = before == std::string_view::npos ? 0 : before + 1;
        if (auto hash = BlobHash::parse(path.substr(start, end + 1 - start))) return hash;
        if (before == std::string_view::npos) break;
        end = path.find_last_of(kHexDigits, before);
    }
    return std::nullopt;
}

std::string extension_in_url(std::string_view url) {
    const auto path = path_of(url);
    const auto name = path.substr(path.rfind('/') + 1);
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string() : std::string(name.substr(dot + 1));
}

}  // namespace espalier::protocol
