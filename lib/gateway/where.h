// GET /where/<sha256>: which servers have a blob now, asked with a HEAD each.
//
// Threads: workers.
#pragma once

#include "gateway/parts.h"
#include "http/reply.h"
#include "http/request.h"

namespace espalier::gateway {

// {"hash", "servers": [{"host", "has": true|false|null, "status", "ms", "size", "type",
// "reason"}]}; null: it did not say.
http::Reply where(const Parts& parts, const http::Request& request);

}  // namespace espalier::gateway
