// A Document is a YAML file as a tree that remembers its lines.
//
// Only plain data: scalars as text, lists and maps. Duplicate keys are kept, so that the
// reader can name both places. Limits: 1 MiB of text, 16 levels, 100,000 nodes after aliases.
//
// Threads: a value.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::settings {

inline constexpr std::size_t kDocumentBytesMax = std::size_t{1024} * 1024;

struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    int line = 0;      // from 1; in a map: its key's
    std::string key;   // in a map
    std::string text;  // of a scalar
    std::vector<Node> children;
};

struct SyntaxError {
    int line = 0;
    std::string what;
};

std::expected<Node, SyntaxError> parse_document(std::string_view text);

}  // namespace espalier::settings
