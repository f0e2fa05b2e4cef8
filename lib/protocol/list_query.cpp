#include "protocol/list_query.h"

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace espalier::protocol {
namespace {

std::unexpected<base::Error> bad(std::string_view name, std::string_view wanted) {
    return base::fail(base::ErrorKind::invalid, base::text(name, " must be ", wanted),
                      base::Origin::client);
}

// Times beyond what fits are as good as the end of time.
std::optional<std::int64_t> time(const std::optional<std::uint64_t>& seconds) {
    if (!seconds) return std::nullopt;
    constexpr std::uint64_t kLast = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(*seconds, kLast));
}

}  // namespace

base::Result<ListQuery> read_list_query(
    const std::function<std::optional<std::string>(std::string_view)>& parameter,
    std::size_t limit_max) {
    // A whole number; nothing when it is absent.
    const auto number = [&](std::string_view name) -> base::Result<std::optional<std::uint64_t>> {
        const auto text = parameter(name);
        if (!text) return std::nullopt;
        const auto value = base::parse_number(*text);
        if (!value) return bad(name, "a whole number");
        return value;
    };
    ListQuery query;
    const auto limit = number("limit");
    if (!limit) return std::unexpected(limit.error());
    query.limit =
        static_cast<std::size_t>(std::min<std::uint64_t>(limit->value_or(limit_max), limit_max));
    const auto since = number("since");
    if (!since) return std::unexpected(since.error());
    query.since = time(*since);
    const auto until = number("until");
    if (!until) return std::unexpected(until.error());
    query.until = time(*until);
    if (const auto cursor = parameter("cursor")) {
        query.cursor = BlobHash::parse(*cursor);
        if (!query.cursor) return bad("cursor", "the sha256 of a blob");
    }
    return query;
}

}  // namespace espalier::protocol
