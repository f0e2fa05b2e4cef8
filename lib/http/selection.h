// What of a Reply is sent: If-None-Match, If-Range and Range applied to a representation that
// the handler named by an ETag (RFC 9110 sections 13 and 14).
//
// Pure.
#pragma once

#include <cstdint>

#include "http/reply.h"
#include "http/request.h"

namespace espalier::http {

struct Selection {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// Turns the reply into a 304, 206 or 416 where the request asks for it, and says which bytes
// of its string or file go out. Streams and parked sources are left as they are.
Selection select(const Head& head, Reply& reply);

}  // namespace espalier::http
