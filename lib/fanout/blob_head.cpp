#include "fanout/blob_head.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.h"
#include "protocol/mime.h"

namespace espalier::fanout {
namespace {

constexpr int kRedirectsMax = 5;  // some servers keep their blobs on a CDN

bool says_not_found(const engine::TransferState& state) {
    const auto reason = base::ascii_lower(state.response.headers.value("X-Reason"));
    return reason.find("not found") != std::string::npos;
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

Presence presence_of(const engine::TransferState& state, int miss_status) {
    if (!state.response_complete) return Presence::unknown;
    const int status = state.response.status;
    if (status == 404 || status == 410) return Presence::absent;
    if (!is_success(status)) return status == miss_status ? Presence::absent : Presence::unknown;
    if (says_not_found(state)) return Presence::absent;
    return is_success(miss_status) ? Presence::unknown : Presence::there;
}

// Whether an upstream may say in this way that it has no such blob. The others are about the
// asker, or about a server that cannot be reached.
bool may_mean_no(int status) {
    constexpr std::array kOthers{401, 402, 403, 407, 429};
    return status >= 200 && status < 502 && std::ranges::find(kOthers, status) == kOthers.end();
}

}  // namespace

bool is_encoded(const engine::Response& response) {
    const auto encoding = response.headers.value("Content-Encoding");
    return !encoding.empty() && !base::equal_ignoring_case(encoding, "identity");
}

fleet::BlobFacts HeadAnswer::facts_of(const protocol::BlobHash& hash) const {
    // Some state a length of 0 for every blob.
    const bool credible = size != 0 || hash == protocol::BlobHash(base::Sha256::of(""));
    return {.size = credible ? size : std::nullopt,
            .type = type,
            .last_modified = last_modified,
            .sunset = sunset};
}

engine::TransferRequest head_request(const fleet::Upstream& upstream,
                                     const protocol::BlobHash& hash, base::Deadline deadline) {
    auto request = request_to(upstream, "HEAD", base::text('/', hash.hex()), deadline);
    request.redirects_max = kRedirectsMax;
    return request;
}

engine::TransferRequest blob_request(const fleet::Upstream& upstream,
                                     const protocol::BlobHash& hash, base::Deadline deadline) {
    auto request = request_to(upstream, "GET", base::text('/', hash.hex()), deadline);
    limit(request, upstream.rate);
    request.redirects_max = kRedirectsMax;
    return request;
}

HeadAnswer read_head(const engine::TransferState& state, int miss_status) {
    HeadAnswer answer{.presence = presence_of(state, miss_status), .size = {}, .type = {}};
    if (answer.presence != Presence::there) return answer;
    const auto& headers = state.response.headers;
    if (!is_encoded(state.response))
        answer.size = base::parse_number(headers.value("Content-Length"));
    if (const auto type = headers.get("Content-Type")) answer.type = protocol::clean_mime(*type);
    answer.last_modified = parse_http_date(headers.value("Last-Modified")).value_or(0);
    answer.fit_for_browsers = answer.size && headers.has("Access-Control-Allow-Origin");
    answer.sunset = parse_http_date(headers.value("Sunset")).value_or(0);
    return answer;
}

fleet::Outcome head_outcome(const fleet::Upstream& upstream, const engine::TransferState& state,
                            const HeadAnswer& answer) {
    auto outcome = outcome_of(upstream, state, false);
    if (answer.presence == Presence::absent) outcome.kind = fleet::OutcomeKind::client_fault;
    if (answer.presence == Presence::unknown && outcome.kind == fleet::OutcomeKind::ok) {
        outcome.kind = fleet::OutcomeKind::capability;
        outcome.reason = "it says yes to every blob, whether it has it or not";
    }
    return outcome;
}

int learn_miss_status(int known, const engine::TransferState& state) {
    const int status = state.response.status;
    if (!state.response_complete || !may_mean_no(status)) return known;
    if (read_head(state, 0).presence == Presence::absent) return 404;
    if (is_success(status)) return 200;
    const bool has_better = known != 0 && known < 500;
    return status >= 500 && has_better ? known : status;
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
