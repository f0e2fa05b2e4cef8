// PUT /report (BUD-09, sheet A.10): a signed report of blobs (NIP-56, kind 1984) is passed on to
// all upstreams; one that accepts it is enough. The signature is the token.
#pragma once

#include "gateway/account.h"
#include "gateway/parts.h"
#include "http/reply.h"
#include "http/request.h"

namespace espalier::gateway {

http::Reply put_report(const Parts& parts, http::Request& request, const Account& account);

}  // namespace espalier::gateway
