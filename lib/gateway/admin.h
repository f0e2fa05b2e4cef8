// /admin: what only the operator may see and do, with `Authorization: Bearer <admin.token>`. There
// is no such path while no token is configured.
//
// GET: the dashboard's operations with whole hashes, keys and request ids, where servers are
// reached in truth, who has uploaded most, and the first of the missing copies. POST /admin/repair:
// brings missing copies now instead of at their next turn.
//
// Threads: workers.
#pragma once

#include "gateway/parts.h"
#include "http/reply.h"
#include "http/request.h"

namespace espalier::gateway {

http::Reply admin(const Parts& parts, const http::Request& request);

}  // namespace espalier::gateway
