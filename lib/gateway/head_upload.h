// HEAD /upload (BUD-06, sheet A.5): would an upload be accepted?
#pragma once

#include "gateway/admission.h"
#include "gateway/parts.h"
#include "gateway/purpose.h"

namespace espalier::gateway {

http::Reply head_upload(const Parts& parts, const http::Request& request, Purpose purpose);

}  // namespace espalier::gateway
