#include "http/range.h"

#include <algorithm>

#include "base/text.h"

namespace espalier::http {
namespace {

constexpr std::size_t kRangeHeaderBytesMax = 64;

// "-n": the last n bytes.
RangeDecision suffix(std::string_view digits, std::uint64_t size) {
    const auto count = base::parse_number(digits);
    if (!count) return {};
    if (*count == 0 || size == 0) return {.kind = RangeKind::unsatisfiable, .range = {}};
    return {.kind = RangeKind::part,
            .range = {.first = size - std::min(*count, size), .last = size - 1}};
}

}  // namespace

RangeDecision decide_range(std::string_view header, std::uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    if (header.size() > kRangeHeaderBytesMax || header.size() < kUnit.size()) return {};
    if (!base::equal_ignoring_case(header.substr(0, kUnit.size()), kUnit)) return {};
    const auto spec = base::trim(header.substr(kUnit.size()));
    const auto dash = spec.find('-');
    if (dash == spec.npos) return {};
    if (dash == 0) return suffix(spec.substr(1), size);
    const auto first = base::parse_number(spec.substr(0, dash));
    const auto end = spec.substr(dash + 1);
    const auto last = end.empty() ? std::optional(UINT64_MAX) : base::parse_number(end);
    if (!first || !last || *last < *first) return {};
    if (*first >= size) return {.kind = RangeKind::unsatisfiable, .range = {}};
    return {.kind = RangeKind::part, .range = {.first = *first, .last = std::min(*last, size - 1)}};
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
    return base::text("bytes ", range.first, '-', range.last, '/', size);
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
    if (base::trim(if_none_match) == "*") return true;
    for (auto candidate : base::split(if_none_match, ',')) {
        candidate = base::trim(candidate);
        if (candidate.starts_with("W/")) candidate.remove_prefix(2);
        if (candidate == etag) return true;
    }
    return false;
}

}  // namespace espalier::http
