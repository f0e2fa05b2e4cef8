#include "http/selection.h"

#include "base/text.h"
#include "http/range.h"

namespace espalier::http {
namespace {

std::uint64_t size_of(const Reply& reply) {
    if (const auto* bytes = std::get_if<std::string>(&reply.content())) return bytes->size();
    if (const auto* file = std::get_if<FileBody>(&reply.content())) return file->size;
    return 0;
}

// Files can always be sent in parts; strings when the handler says so.
bool takes_ranges(const Reply& reply) {
    if (std::holds_alternative<FileBody>(reply.content())) return true;
    return std::holds_alternative<std::string>(reply.content()) &&
           reply.headers().value("Accept-Ranges") == "bytes";
}

// If-Range holds when there is none, or when it names exactly this representation.
bool range_applies(const Head& head, const Reply& reply) {
    const auto condition = head.header("If-Range");
    if (!condition) return true;
    return *condition == reply.headers().value("ETag") ||
           (reply.headers().has("Last-Modified") &&
            *condition == reply.headers().value("Last-Modified"));
}

void not_modified(Reply& reply) {
    reply.status(304).content() = std::string();
    reply.headers().remove("Content-Type");
}

void out_of_range(Reply& reply, std::uint64_t size) {
    constexpr std::string_view kReason = "the range begins after the end";
    reply.headers().set("Content-Range", base::text("bytes */", size));
    reply.headers().remove("Cache-Control");
    reply.status(416).reason(kReason).body(message_json(kReason), "application/json");
}

}  // namespace

Selection select(const Head& head, Reply& reply) {
    const Selection whole{.offset = 0, .length = size_of(reply)};
    const auto etag = reply.headers().get("ETag");
    const bool reads = head.method == "GET" || head.method == "HEAD";
    if (!etag || !reads || reply.status() != 200) return whole;
    if (etag_matches(head.value("If-None-Match"), *etag)) {
        not_modified(reply);
        return {};
    }
    if (!takes_ranges(reply)) return whole;
    reply.headers().set("Accept-Ranges", "bytes");
    if (head.method != "GET" || !range_applies(head, reply)) return whole;
    const auto decision = decide_range(head.value("Range"), whole.length);
    if (decision.kind == RangeKind::unsatisfiable) {
        out_of_range(reply, whole.length);
        return {.offset = 0, .length = size_of(reply)};
    }
    if (decision.kind == RangeKind::whole) return whole;
    reply.status(206).headers().set("Content-Range", content_range(decision.range, whole.length));
    return {.offset = decision.range.first, .length = decision.range.length()};
}

}  // namespace espalier::http
