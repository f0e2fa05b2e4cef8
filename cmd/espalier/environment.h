// The process's environment variables, in the shape that settings::load() asks for.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace espalier::command {

inline std::optional<std::string> environment(std::string_view name) {
    const char* const value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
}

}  // namespace espalier::command
