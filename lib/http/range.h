// Range requests (RFC 9110 section 14): one range is served; anything malformed or with
// several parts is answered with the whole representation.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace espalier::http {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // inclusive, clamped to size - 1
    std::uint64_t length() const { return last - first + 1; }
};

enum class RangeKind { whole, part, unsatisfiable };

struct RangeDecision {
    RangeKind kind = RangeKind::whole;
    ByteRange range;  // meaningful for `part`
};

// What a Range header asks of `size` bytes. Headers longer than 64 bytes are ignored.
RangeDecision decide_range(std::string_view header, std::uint64_t size);
// "bytes first-last/size"
std::string content_range(const ByteRange& range, std::uint64_t size);
// Whether If-None-Match names `etag` (quoted, strong), `*` and weak forms included.
bool etag_matches(std::string_view if_none_match, std::string_view etag);

}  // namespace espalier::http
