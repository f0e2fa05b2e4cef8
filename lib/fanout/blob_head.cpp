#include "fanout/blob_head.h"

#include <ctime>

#include "base/text.h"
#include "protocol/mime.h"

namespace espalier::fanout {
namespace {

bool says_not_found(const engine::TransferState& state) {
    const auto reason = base::ascii_lower(state.response.headers.value("X-Reason"));
    return reason.find("not found") != std::string::npos;
}

Presence presence_of(const engine::TransferState& state, int miss_status) {
    if (!state.response_complete) return Presence::unknown;
    const int status = state.response.status;
    if (status == 404 || status == 410) return Presence::absent;
    const bool success = status >= 200 && status < 300;
    if (success) return says_not_found(state) ? Presence::absent : Presence::there;
    return status == miss_status ? Presence::absent : Presence::unknown;
}

}  // namespace

engine::TransferRequest head_request(const fleet::Upstream& upstream,
                                     const protocol::BlobHash& hash, base::Deadline deadline) {
    auto request = request_to(upstream, "HEAD", base::text('/', hash.hex()), deadline);
    request.redirects_max = 5;  // some servers keep their blobs on a CDN
    return request;
}

HeadAnswer read_head(const engine::TransferState& state, int miss_status) {
    HeadAnswer answer{.presence = presence_of(state, miss_status), .size = {}, .type = {}};
    if (answer.presence != Presence::there) return answer;
    const auto& headers = state.response.headers;
    answer.size = base::parse_number(headers.value("Content-Length"));
    if (const auto type = headers.get("Content-Type")) answer.type = protocol::clean_mime(*type);
    answer.last_modified = parse_http_date(headers.value("Last-Modified")).value_or(0);
    answer.sunset = parse_http_date(headers.value("Sunset")).value_or(0);
    return answer;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    std::tm parts{};
    const std::string copy(text);
    const char* const end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return ::timegm(&parts);
}

std::string http_date(std::int64_t unix_time) {
    std::tm parts{};
    const std::time_t time = unix_time;
    ::gmtime_r(&time, &parts);
    char text[64];
    const auto size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text, size};
}

}  // namespace espalier::fanout
