// What curl's result codes mean to those who asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace espalier::engine {

// Nothing for success. `authority` names the upstream, `detail` is curl's own sentence (used
// where it tells more than ours), `began`: some of the request may have been sent.
std::optional<base::Error> error_of(int curl_code, const std::string& authority,
                                    std::string_view detail, bool began);

}  // namespace espalier::engine
