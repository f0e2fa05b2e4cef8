// How single values are written in the file: durations, sizes, numbers, flags.
//
// Each parse_ has a show_ that writes what it reads. An error is half a sentence that says
// what is wrong with the text; the reader puts file, line and key in front.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace espalier::settings {

template <class T>
using Parsed = std::expected<T, std::string>;

// "500ms" "30s" "5m" "1h" "1h30m" "1.5h" "7d"; "0" needs no unit. At most 366 days.
Parsed<base::Milliseconds> parse_duration(std::string_view text);
std::string show_duration(base::Milliseconds duration);

// Bytes: "536870912", "8MiB" "8M" "8k" (powers of 1024) or "8MB" "8kB" (powers of 1000).
Parsed<std::uint64_t> parse_size(std::string_view text);
std::string show_size(std::uint64_t bytes);

// A whole number with an optional minus.
Parsed<int> parse_count(std::string_view text);

// "true yes on", "false no off".
Parsed<bool> parse_flag(std::string_view text);

}  // namespace espalier::settings
