// What all answers that stand for a whole blob or a part of it have in common (sheet A.0 to A.2).
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "fleet/blob_map.h"
#include "http/reply.h"
#include "protocol/blob_hash.h"

namespace espalier::gateway {

// A blob's name is that of its bytes, so that it may be kept for ever.
inline constexpr std::string_view kForEver = "public, max-age=31536000, immutable";

// A strong entity tag.
std::string etag_of(const protocol::BlobHash& hash);
// Without type and body.
http::Reply blob_reply(int status, const protocol::BlobHash& hash, const fleet::BlobFacts& facts);

}  // namespace espalier::gateway
