#include "engine/url.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <curl/curl.h>

#include "base/text.h"

namespace espalier::engine {
namespace {

using base::ErrorKind;
using base::fail;

constexpr std::size_t kUrlBytesMax = 8 * 1024;
constexpr std::size_t kHostBytesMax = 255;  // RFC 1035 section 2.3.4

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Parsed = std::unique_ptr<CURLU, FreeUrl>;

struct FreeText {
    void operator()(char* text) const { curl_free(text); }
};

std::optional<std::string> part(const Parsed& url, CURLUPart what, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), what, &text, flags) != CURLUE_OK) return std::nullopt;
    const std::unique_ptr<char, FreeText> owner(text);
    return std::string(text);
}

bool is_url_byte(char c) {
    return c > ' ' && c < '\x7f' && c != '\\';
}

bool is_host_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_host(std::string_view host) {
    if (host.empty() || host.size() > kHostBytesMax) return false;
    if (host.front() == '[') {  // checked by curl
        return host.back() == ']';
    }
    return host.front() != '.' && std::ranges::all_of(host, is_host_byte);
}

// What is wrong with the text before it is taken apart; "" = nothing.
std::string_view blemish(std::string_view text) {
    if (text.size() > kUrlBytesMax) return "the URL is too long";
    if (!std::ranges::all_of(text, is_url_byte))
        return "the URL has a space, a backslash, a control or a non-ASCII byte";
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return "the URL is not absolute";
    const auto scheme = text.substr(0, scheme_end);
    if (!base::equal_ignoring_case(scheme, "http") && !base::equal_ignoring_case(scheme, "https"))
        return "the URL is neither http nor https";
    const auto rest = text.substr(scheme_end + 3);
    if (rest.starts_with('/')) return "the URL has no host";
    // curl would decode a name and drop a zone: what is written is what must be meant.
    if (rest.substr(0, rest.find_first_of("/?#")).contains('%'))
        return "the URL's host is not a host";
    return "";
}

std::string_view meaning(CURLUcode code) {
    switch (code) {
        case CURLUE_USER_NOT_ALLOWED:
            return "the URL has user-info";
        case CURLUE_BAD_PORT_NUMBER:
            return "the URL's port is not a port";
        case CURLUE_NO_HOST:
            return "the URL has no host";
        default:
            return "the URL is malformed";
    }
}

std::string encoded(std::string_view text, std::string_view also) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_url_byte(c) && !also.contains(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

}  // namespace

base::Result<Url> Url::parse(std::string_view text) {
    if (const auto wrong = blemish(text); !wrong.empty())
        return fail(ErrorKind::invalid, std::string(wrong));
    const Parsed parsed(curl_url());
    const auto code =
        curl_url_set(parsed.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER);
    if (code != CURLUE_OK) return fail(ErrorKind::invalid, std::string(meaning(code)));
    Url url;
    url.scheme_ = base::ascii_lower(part(parsed, CURLUPART_SCHEME).value_or(""));
    url.host_ = base::ascii_lower(part(parsed, CURLUPART_HOST).value_or(""));
    url.path_ = part(parsed, CURLUPART_PATH).value_or("/");
    url.query_ = part(parsed, CURLUPART_QUERY).value_or("");
    const auto port =
        base::parse_number(part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("0"));
    if (!port || *port == 0 || *port > UINT16_MAX)
        return fail(ErrorKind::invalid, "the URL's port is not a port");
    url.port_ = static_cast<std::uint16_t>(*port);
    if (!is_host(url.host_)) return fail(ErrorKind::invalid, "the URL's host is not a host");
    return url;
}

bool Url::has_default_port() const {
    return port_ == (scheme_ == "https" ? 443 : 80);
}

std::string Url::authority() const {
    return has_default_port() ? host_ : base::text(host_, ':', port_);
}

std::string Url::origin() const {
    return base::text(scheme_, "://", authority());
}

Url Url::with_path(std::string_view path) const {
    Url out = *this;
    out.query_.clear();
    while (out.path_.ends_with('/')) out.path_.pop_back();
    if (!path.starts_with('/')) out.path_ += '/';
    out.path_ += encoded(path, "?#\"<>");
    return out;
}

Url Url::with_query(std::string_view query) const {
    Url out = *this;
    out.query_ = encoded(query, "#\"<>");
    return out;
}

base::Result<Url> Url::resolve(std::string_view reference) const {
    if (reference.size() > kUrlBytesMax || !std::ranges::all_of(reference, is_url_byte))
        return fail(ErrorKind::invalid, "the redirect's target is malformed");
    const Parsed parsed(curl_url());
    auto code = curl_url_set(parsed.get(), CURLUPART_URL, text().c_str(), 0);
    if (code == CURLUE_OK)
        code = curl_url_set(parsed.get(), CURLUPART_URL, std::string(reference).c_str(),
                            CURLU_DISALLOW_USER);
    if (code != CURLUE_OK) return fail(ErrorKind::invalid, std::string(meaning(code)));
    return parse(part(parsed, CURLUPART_URL).value_or(""));
}

std::string Url::text() const {
    return query_.empty() ? base::text(origin(), path_) : base::text(origin(), path_, '?', query_);
}

}  // namespace espalier::engine
