#include <charconv>

#include "base/text.h"
#include "http/envelope.h"
#include "http/reply.h"

namespace espalier::http {
namespace {

constexpr std::string_view kAllowHeaders =
    "Authorization, Content-Type, Content-Length, Range, If-None-Match, If-Range, X-SHA-256, "
    "X-Content-Type, X-Content-Length, X-Cashu, X-Lightning, X-Min-Upstreams, *";
constexpr std::string_view kAllowMethods = "GET, HEAD, PUT, DELETE, OPTIONS";
constexpr std::string_view kMaxAge = "86400";

bool has_length(int status) {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void InstantReply::begin(int status) {
    status_ = status;
    if (envelope_ != nullptr) {
        envelope_->open(out_, status);
    } else {
        append_status_line(out_, status);
        out_.append(cors_block());
    }
}

void InstantReply::header(std::string_view name, std::string_view value) {
    if (name.size() == 8 && base::equal_ignoring_case(name, "x-reason")) has_reason_ = true;
    out_.append(name).append(": ").append(value).append("\r\n");
}

void InstantReply::end(std::string_view body, bool head_only) {
    end_head(body.size());
    if (head_only || !has_length(status_)) return;
    out_.append(body);
    body_bytes_ = body.size();
}

void InstantReply::end_head(std::uint64_t length) {
    if (status_ >= 400 && !has_reason_) header("X-Reason", reason_phrase(status_));
    append_persistence(out_, persistence_);
    if (has_length(status_)) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, length).ptr;
        out_.append("Content-Length: ").append(digits, end).append("\r\n");
    }
    out_.append("\r\n");
}

Reply preflight() {
    Reply reply(204);
    reply.header("Access-Control-Allow-Headers", kAllowHeaders);
    reply.header("Access-Control-Allow-Methods", kAllowMethods);
    reply.header("Access-Control-Max-Age", kMaxAge);
    return reply;
}

void preflight(InstantReply& reply) {
    reply.begin(204);
    reply.header("Access-Control-Allow-Headers", kAllowHeaders);
    reply.header("Access-Control-Allow-Methods", kAllowMethods);
    reply.header("Access-Control-Max-Age", kMaxAge);
    reply.end({});
}

}  // namespace espalier::http
