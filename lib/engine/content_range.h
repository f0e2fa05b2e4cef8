// What a 206 says of its place in the whole (RFC 9110 section 14.4).
//
// A pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace espalier::engine {

struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;             // inclusive, not below `first`
    std::optional<std::uint64_t> size;  // of the whole, above `last`; nothing: not known there
};

// The value of a Content-Range; nothing when malformed, or in other units than bytes.
std::optional<ContentRange> parse_content_range(std::string_view value);

}  // namespace espalier::engine
