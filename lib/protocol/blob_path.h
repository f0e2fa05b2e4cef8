// The path of a blob: "/<sha256>" or "/<sha256>.<extension>" (BUD-01).
//
// Parsing allocates nothing but an extension of 16 bytes: reactors call it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "protocol/blob_hash.h"

namespace espalier::protocol {

struct BlobPath {
    BlobHash hash;
    // Without its dot, [A-Za-z0-9._-]{1,16}; "" = none. It says nothing about the type.
    std::string extension;
};

enum class PathError : std::uint8_t {
    not_a_blob,  // some other path: 404
    bad_hash,    // a hash in upper-case digits: 400
};

// `path` is a request path without its query, e.g. "/b167….pdf".
std::expected<BlobPath, PathError> parse_blob_path(std::string_view path);

}  // namespace espalier::protocol
