// The Assets are the dashboard's files, which the build has put into the program (web/).
//
// Threads: any; constant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace espalier::dashboard {

struct Asset {
    std::string_view path;  // as it is asked for: "/", "/assets/app.js", "/docs/operations"
    std::string_view type;  // Content-Type
    std::string_view bytes;
    std::string etag;  // quoted
};

std::span<const Asset> assets();
// Nothing when there is none at this path.
const Asset* find_asset(std::string_view path);

}  // namespace espalier::dashboard
