// DELETE /<sha256> (BUD-12, sheet A.15): to all upstreams, whether the map knows them or not.
#pragma once

#include "gateway/account.h"
#include "gateway/admission.h"
#include "gateway/parts.h"

namespace espalier::gateway {

http::Reply delete_blob(const Parts& parts, const http::Request& request, const Account& account);

}  // namespace espalier::gateway
