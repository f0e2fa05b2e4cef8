// What the build has made of web/: see cmake/embed.cmake, which writes the definition.
#pragma once

#include <span>
#include <string_view>

namespace espalier::dashboard {

struct EmbeddedFile {
    std::string_view path, type, bytes;
};
std::span<const EmbeddedFile> embedded_files();

}  // namespace espalier::dashboard
