// One line in the log for each request: who asked for what, and what became of it. No header of the
// request is in it, and of its target only the path: tokens stay out.
//
// Threads: any.
#pragma once

#include "base/log.h"
#include "http/server.h"

namespace espalier::gateway {

void log_access(base::Log& log, const http::Answered& answer);

}  // namespace espalier::gateway
