// What of a changed configuration can be put in force while the gateway runs.
//
// Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace espalier::settings {

// The keys whose values differ and which are read at the start only. The upstreams, limits, tokens
// and rates are not among them.
std::vector<std::string_view> keys_that_need_a_restart(const Settings& before,
                                                       const Settings& after);

}  // namespace espalier::settings
