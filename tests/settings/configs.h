// Small configurations for the tests of the settings.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "settings/load.h"

namespace espalier::test {

// Four lines: two upstreams; what follows is for the caller.
inline constexpr std::string_view kTwoUpstreams =
    "upstream_servers:\n"
    "  - url: https://one.example\n"
    "  - url: https://two.example\n";

// Two upstreams and `server:` (line 4) with these lines from line 5 on, indented by the caller.
inline std::string with_server(std::string_view lines) {
    return std::string(kTwoUpstreams) + "server:\n" + std::string(lines);
}

// One upstream with these keys (from line 3 on, indented by the caller), quorum 1.
inline std::string with_upstream(std::string_view lines) {
    return "upstream_servers:\n  - url: https://one.example\n" + std::string(lines) +
           "server:\n  min_upload_servers: 1\n";
}

inline settings::Environment environment(std::map<std::string, std::string, std::less<>> values) {
    return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

// Everything that is wrong with the text, "" when nothing is.
inline std::string problems_of(std::string_view text, const settings::LoadOptions& options = {}) {
    const auto loaded = settings::parse(text, "config.yaml", options);
    return loaded ? std::string() : loaded.error().reason;
}

}  // namespace espalier::test
