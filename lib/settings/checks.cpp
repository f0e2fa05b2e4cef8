#include "settings/checks.h"

#include <algorithm>
#include <array>
#include <optional>

#include <arpa/inet.h>

#include "engine/url.h"
#include "protocol/key.h"

namespace espalier::settings {
namespace {

bool is_visible_ascii(char c) {
    return c > ' ' && c < '\x7f';
}

bool is_host(std::string_view host) {
    constexpr std::string_view kForbidden = "/@?#[]:\\\"<>";
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, is_visible_ascii) &&
           host.find_first_of(kForbidden) == std::string_view::npos;
}

bool is_port(std::string_view digits) {
    const auto port = base::parse_number(digits);
    return port && *port <= 65'535 && digits.size() <= 5;
}

// 32 or 128; nothing if it is no address.
std::optional<unsigned> address_bits(const std::string& address) {
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return 32;
    if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return 128;
    return std::nullopt;
}

struct HostPort {
    std::string_view host;
    std::optional<std::string_view> port;
};

// "[v6]" keeps its brackets off. Nothing if the brackets do not match.
std::optional<HostPort> split_host_port(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const HostPort bare{.host = text.substr(1, close - 1), .port = std::nullopt};
        const auto rest = text.substr(close + 1);
        if (address_bits(std::string(bare.host)) != 128U) return std::nullopt;
        if (rest.empty()) return bare;
        if (rest.front() != ':') return std::nullopt;
        return HostPort{.host = bare.host, .port = rest.substr(1)};
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return HostPort{.host = text, .port = std::nullopt};
    return HostPort{.host = text.substr(0, colon), .port = text.substr(colon + 1)};
}

bool is_known_host(const HostPort& parts) {
    return is_host(parts.host) || address_bits(std::string(parts.host)) == 128U;
}

bool is_mime_word(std::string_view word) {
    constexpr std::string_view kSigns = "!#$&^_.+-";
    return !word.empty() && std::ranges::all_of(word, [&](char c) {
        const char low = base::ascii_lower(c);
        return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
               kSigns.find(c) != std::string_view::npos;
    });
}

}  // namespace

std::string check_url(std::string_view text) {
    const auto url = engine::Url::parse(text);
    // The text itself is not repeated: a URL with a password in it is refused here.
    if (!url) return "is not a usable URL: " + url.error().reason;
    if (!url->query().empty()) return "must not have a query";
    return {};
}

std::string check_optional_url(std::string_view text) {
    return text.empty() ? std::string() : check_url(text);
}

std::string check_listen_address(std::string_view text) {
    const auto parts = split_host_port(text);
    const bool good = parts && parts->port && is_port(*parts->port) &&
                      (parts->host.empty() || is_known_host(*parts));
    return good
               ? std::string()
               : base::text("`", text, "` is not an address: write :8080, host:8080 or [::1]:8080");
}

std::string check_host(std::string_view text) {
    const auto parts = split_host_port(text);
    const bool good = parts && !parts->host.empty() && is_known_host(*parts) &&
                      (!parts->port || is_port(*parts->port));
    return good ? std::string() : base::text("`", text, "` is not a host: write host or host:port");
}

std::string check_connect_to(std::string_view text) {
    if (text.empty()) return {};
    if (text.find("://") != std::string_view::npos) {
        const auto url = engine::Url::parse(text);
        if (url && url->path() == "/" && url->query().empty()) return {};
    } else if (const auto parts = split_host_port(text); parts && is_known_host(*parts)) {
        if (!parts->port || (is_port(*parts->port) && *parts->port != "0")) return {};
    }
    return base::text("`", text, "` is not an address: write host:port or http://host:port");
}

std::string check_service_key(std::string_view text) {
    if (text.empty() || text.starts_with(kKeyFile) || protocol::SecretKey::parse_any(text))
        return {};
    return "is not a secret key: write an nsec, 64 hex digits, or file:/path";
}

std::string check_admin_token(std::string_view text) {
    constexpr std::size_t kShortest = 16;
    const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
    if (text.empty() || text.starts_with(kKeyFile) || (plain && text.size() >= kShortest))
        return {};
    return "must be at least 16 printable characters without spaces, or file:/path";
}

std::string check_proxy(std::string_view text) {
    const auto slash = text.find('/');
    const auto bits = address_bits(std::string(text.substr(0, slash)));
    const bool whole = slash == std::string_view::npos;
    const auto prefix = whole ? std::nullopt : base::parse_number(text.substr(slash + 1));
    if (bits && (whole || (prefix && *prefix <= *bits))) return {};
    return base::text("`", text, "` is neither an IP address nor a block such as 10.0.0.0/8");
}

std::string check_mime_pattern(std::string_view text) {
    const auto slash = text.find('/');
    const bool good = slash != std::string_view::npos && is_mime_word(text.substr(0, slash)) &&
                      (text.substr(slash + 1) == "*" || is_mime_word(text.substr(slash + 1)));
    return good ? std::string()
                : base::text("`", text, "` is not a media type: write image/png or image/*");
}

std::string check_pubkey(std::string_view text) {
    const auto key = protocol::PublicKey::parse_any(text);
    // The reason names the text, unless it is a secret key.
    return key ? std::string()
               : "not a public key (64 hex digits or npub1…): " + key.error().reason;
}

std::string check_folder(std::string_view text) {
    return text.starts_with('/') ? std::string()
                                 : base::text("`", text, "` is not an absolute path");
}

}  // namespace espalier::settings
