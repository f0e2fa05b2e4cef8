#include "engine/content_range.h"

#include "base/text.h"

namespace espalier::engine {

std::optional<ContentRange> parse_content_range(std::string_view value) {
    constexpr std::string_view kUnit = "bytes ";
    value = base::trim(value);
    const auto dash = value.find('-');
    const auto slash = value.find('/');
    if (!value.starts_with(kUnit) || dash == value.npos || slash == value.npos || dash > slash)
        return std::nullopt;
    const auto first = base::parse_number(value.substr(kUnit.size(), dash - kUnit.size()));
    const auto last = base::parse_number(value.substr(dash + 1, slash - dash - 1));
    if (!first || !last || *last < *first) return std::nullopt;
    ContentRange parsed{.first = *first, .last = *last, .size = {}};
    if (value.substr(slash + 1) == "*") return parsed;
    parsed.size = base::parse_number(value.substr(slash + 1));
    if (!parsed.size || *last >= *parsed.size) return std::nullopt;
    return parsed;
}

}  // namespace espalier::engine
