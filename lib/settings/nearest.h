// nearest() finds the name a typing error was probably meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace espalier::settings {

// The number of insertions, deletions, replacements and swaps of neighbours between two names,
// without regard to ASCII case, '-' and '_' being the same.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The closest of `names` that is close enough to be meant; the first of equals. Nothing if none
// is within a third of its length.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> names);

}  // namespace espalier::settings
