#include "gateway/proxy_blob.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/blob_reply.h"
#include "protocol/mime.h"

namespace espalier::gateway {
namespace {

using protocol::BlobHash;

// Scripts of a stranger must not run in our name.
bool is_active(std::string_view type) {
    const auto plain = protocol::media_type(type);
    return plain == "text/html" || plain == "image/svg+xml" || plain == "application/xhtml+xml" ||
           plain == "text/xml" || plain == "application/xml";
}

// The range that the client wants, of a blob whose size is known; anything else is the whole.
http::RangeDecision wanted(const http::Request& request, const BlobHash& hash,
                           std::optional<std::uint64_t> size) {
    const auto range = request.head.header("Range");
    if (!range || !size) return {};
    const auto condition = request.head.header("If-Range");
    if (condition && *condition != etag_of(hash)) return {};
    return http::decide_range(*range, *size);
}

http::Reply begin_reply(int status, const BlobHash& hash, std::string_view type,
                        const fleet::BlobFacts& facts) {
    auto reply = blob_reply(status, hash, facts);
    reply.header("X-Content-Type-Options", "nosniff");
    if (is_active(type)) reply.header("Content-Security-Policy", "sandbox");
    return reply;
}

struct Sent {
    std::uint64_t bytes = 0;
    bool whole = false;
};

// `length` bytes, or all there are, after the first `skip`.
Sent pour(fanout::Fetch& fetch, std::uint64_t skip, std::optional<std::uint64_t> length,
          http::Writer& out) {
    Sent sent;
    while (!length || sent.bytes < *length) {
        auto slice = fetch.next();
        if (!slice) return sent;
        if (slice->empty()) {
            sent.whole = !length;
            return sent;
        }
        const auto dropped = std::min<std::uint64_t>(skip, slice->size());
        slice->take_front(dropped);
        skip -= dropped;
        if (length && sent.bytes + slice->size() > *length)
            *slice = slice->take_front(*length - sent.bytes);
        if (!out.write(slice->bytes())) return sent;
        sent.bytes += slice->size();
    }
    sent.whole = true;
    return sent;
}

http::Reply out_of_range(std::uint64_t size) {
    auto reply = http::Reply::of({.kind = base::ErrorKind::bad_range,
                                  .reason = base::text("the blob has ", size, " bytes"),
                                  .origin = base::Origin::client});
    reply.header("Content-Range", base::text("bytes */", size));
    return reply;
}

}  // namespace

std::expected<http::Reply, ProxyBlob::Failure> ProxyBlob::reply(
    const http::Request& request, const BlobHash& hash, std::vector<fleet::UpstreamId> origins,
    const fleet::BlobFacts& facts) const {
    if (const auto known = request.head.header("If-None-Match");
        known && http::etag_matches(*known, etag_of(hash)))
        return begin_reply(304, hash, facts.type, facts);
    const auto range = wanted(request, hash, facts.size);
    if (range.kind == http::RangeKind::unsatisfiable) return out_of_range(*facts.size);
    const bool part = range.kind == http::RangeKind::part;
    // A small one is fetched and checked as a whole, whatever is wanted of it.
    const auto small = parts_.options.verify_first_bytes_max;
    const bool checked = !part || *facts.size <= small;
    fanout::FetchPlan plan{.hash = hash,
                           .origins = std::move(origins),
                           .size = facts.size,
                           .part = {},
                           .verify_first_bytes = small,
                           .stall_timeout = parts_.options.stall_timeout,
                           .reader_gone = [&body = request.body] { return body.gone(); }};
    if (!checked) plan.part = {range.range.first, range.range.last + 1};
    const auto fetch = std::make_shared<fanout::Fetch>(parts_.network, std::move(plan));
    if (const auto opened = fetch->open(); !opened) {
        parts_.counters.count_proxied(0, fetch->failovers(), fetch->mismatches());
        return std::unexpected(Failure{opened.error(), fetch->failures()});
    }
    const auto& type = fetch->type();
    auto reply = begin_reply(part ? 206 : 200, hash, type, facts);
    reply.header("X-Upstream", parts_.network.fleet.host(fetch->server()));
    if (!checked) reply.header("X-Verified", "no");
    if (part) reply.header("Content-Range", http::content_range(range.range, *facts.size));
    const Span span{.skip = part && checked ? range.range.first : 0,
                    .length = part ? range.range.length() : fetch->size()};
    reply.stream(body(fetch, span), type);
    return reply;
}

http::StreamBody ProxyBlob::body(std::shared_ptr<fanout::Fetch> fetch, Span span) const {
    return {
        .length = span.length,
        .write = [fetch = std::move(fetch), span, &counters = parts_.counters](http::Writer& out) {
            const auto sent = pour(*fetch, span.skip, span.length, out);
            counters.count_proxied(sent.bytes, fetch->failovers(), fetch->mismatches());
            return sent.whole;
        }};
}

}  // namespace espalier::gateway
