// GET /list/<pubkey> (BUD-12, sheet A.8): the blobs of a user on all upstreams as one list.
//
// A token is not needed. One that is sent must be good, and goes to the upstreams that it is
// meant for; the others are asked without.
#pragma once

#include "gateway/account.h"
#include "gateway/admission.h"
#include "gateway/parts.h"

namespace espalier::gateway {

http::Reply get_list(const Parts& parts, const http::Request& request, const Account& account);

}  // namespace espalier::gateway
