// Tags are the lists of strings that Nostr events and NIP-94 carry; a tag's first string is
// its name, the second its value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace espalier::protocol {

using Tag = std::vector<std::string>;
using Tags = std::vector<Tag>;

}  // namespace espalier::protocol
