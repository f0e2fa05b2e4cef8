#include "http/reply.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace espalier::http {
namespace {

constexpr std::size_t kReasonBytesMax = 200;
constexpr std::size_t kMessageBytesMax = 2000;

// Nothing that could begin another line gets into a header.
std::string clean(std::string_view in) {
    std::string out(in);
    std::erase_if(out, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    return out;
}

}  // namespace

Reply Reply::json(int status, std::string body) {
    Reply reply(status);
    reply.body(std::move(body), "application/json");
    return reply;
}

Reply Reply::of(const base::Error& error) {
    Reply reply = json(status_of(error.kind), message_json(error.reason));
    reply.reason(error.reason);
    return reply;
}

Reply refuse(base::ErrorKind kind, std::string reason) {
    return Reply::of({.kind = kind, .reason = std::move(reason), .origin = base::Origin::client});
}

Reply Reply::park(int status, std::shared_ptr<Source> source) {
    Reply reply(status);
    reply.content_ = std::move(source);
    return reply;
}

Reply& Reply::header(std::string_view name, std::string_view value) {
    headers_.add(clean(name), clean(value));
    return *this;
}

Reply& Reply::reason(std::string_view sentence) {
    const auto line = base::one_line(clean(sentence), kReasonBytesMax);
    if (!base::trim(line).empty()) headers_.set("X-Reason", base::trim(line));
    return *this;
}

Reply& Reply::body(std::string bytes, std::string_view type) {
    content_ = std::move(bytes);
    headers_.set("Content-Type", clean(type));
    return *this;
}

Reply& Reply::file(FileBody body, std::string_view type) {
    content_ = std::move(body);
    headers_.set("Content-Type", clean(type));
    return *this;
}

Reply& Reply::stream(StreamBody body, std::string_view type) {
    content_ = std::move(body);
    headers_.set("Content-Type", clean(type));
    return *this;
}

Reply& Reply::length(std::uint64_t bytes) {
    length_ = bytes;
    return *this;
}

Reply& Reply::status(int status) {
    status_ = status;
    return *this;
}

Reply& Reply::close() {
    close_ = true;
    return *this;
}

std::string message_json(std::string_view sentence) {
    std::string out = R"({"message":")";
    for (const char c : base::one_line(sentence, kMessageBytesMax)) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out.append("\"}");
}

int status_of(base::ErrorKind kind) {
    using enum base::ErrorKind;
    switch (kind) {
        case invalid:
            return 400;
        case unauthorized:
            return 401;
        case payment:
            return 402;
        case forbidden:
            return 403;
        case missing:
            return 404;
        case slow_client:
            return 408;
        case conflict:
            return 409;
        case gone:
            return 410;
        case length_required:
            return 411;
        case too_large:
            return 413;
        case unsupported:
            return 415;
        case bad_range:
            return 416;
        case throttled:
            return 429;
        case head_too_large:
            return 431;
        case internal:
            return 500;
        case not_implemented:
            return 501;
        case upstream:
        case refused:
        case tls:
        case reset:
            return 502;
        case unavailable:
        case cancelled:
        case shutting_down:
            return 503;
        case timeout:
            return 504;
        case storage:
            return 507;
    }
    return 500;
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 402:
            return "Payment Required";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 451:
            return "Unavailable For Legal Reasons";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "Unknown";
    }
}

}  // namespace espalier::http
