// What a client of PUT /mirror asks for (BUD-04), and what a blob's URL says of it (BUD-03).
//
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/blob_hash.h"

namespace espalier::protocol {

inline constexpr std::size_t kMirrorRequestBytesMax = std::size_t{8} * 1024;

// The "url" of {"url": "…"}; nothing when the body is no such object.
std::optional<std::string> mirror_url(std::string_view body);
// {"url": "…"}
std::string mirror_request(std::string_view url);

// The last run of exactly 64 hex digits in the URL's path: what the blob is called there.
std::optional<BlobHash> hash_in_url(std::string_view url);
// Behind the last dot of the URL's path, "" without one.
std::string extension_in_url(std::string_view url);

}  // namespace espalier::protocol
