#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "protocol/key.h"
#include "store/handlers.h"

namespace espalier::store {
namespace {

using base::ErrorKind;

std::unexpected<base::Error> bad(std::string_view name, std::string_view wanted) {
    return base::fail(ErrorKind::invalid, base::text(name, " must be ", wanted),
                      base::Origin::client);
}

// A whole number from a parameter; nothing when it is absent.
base::Result<std::optional<std::uint64_t>> number(const http::Request& request,
                                                  std::string_view name) {
    const auto text = request.parameter(name);
    if (!text) return std::nullopt;
    const auto value = base::parse_number(*text);
    if (!value) return bad(name, "a whole number");
    return value;
}

// Times beyond what fits are as good as the end of time.
std::optional<std::int64_t> time(const std::optional<std::uint64_t>& seconds) {
    if (!seconds) return std::nullopt;
    constexpr std::uint64_t kLast = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(*seconds, kLast));
}

base::Result<ListQuery> query_of(const http::Request& request, std::uint64_t limit_max) {
    ListQuery query;
    const auto limit = number(request, "limit");
    if (!limit) return std::unexpected(limit.error());
    query.limit = std::min(limit->value_or(limit_max), limit_max);
    const auto since = number(request, "since");
    if (!since) return std::unexpected(since.error());
    query.since = time(*since);
    const auto until = number(request, "until");
    if (!until) return std::unexpected(until.error());
    query.until = time(*until);
    if (const auto cursor = request.parameter("cursor")) {
        query.cursor = protocol::BlobHash::parse(*cursor);
        if (!query.cursor) return bad("cursor", "the sha256 of a blob");
    }
    return query;
}

}  // namespace

http::Reply StoreHandlers::get_list(const http::Request& request, std::string_view pubkey) const {
    const auto owner = protocol::PublicKey::parse(pubkey);
    if (!owner) {
        return http::Reply::of({.kind = ErrorKind::invalid,
                                .reason = "a public key is 64 lower-case hex digits",
                                .origin = base::Origin::client});
    }
    const auto caller = caller_of(request, protocol::Verb::list, std::nullopt, Signature::optional);
    if (!caller) return refusal(caller.error());
    const auto query = query_of(request, options_.list_limit_max);
    if (!query) return refusal(query.error());
    const auto blobs = folder_.list(*owner, *query);
    if (!blobs) return refusal(blobs.error());
    std::string json = "[";
    for (const auto& blob : *blobs) {
        if (json.size() > 1) json += ',';
        json += descriptor_json(request, blob);
    }
    return http::Reply::json(200, json + "]");
}

}  // namespace espalier::store
