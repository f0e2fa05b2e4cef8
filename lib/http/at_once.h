// The way of a request that its instant handler answers, on a reactor or on a worker that
// goes on with a connection.
//
// Threads: any; the Envelope is the thread's own.
#pragma once

#include <string>

#include "http/connection.h"
#include "http/context.h"
#include "http/envelope.h"

namespace espalier::http {

// What an answer to `head` says about a connection that is kept, or not.
Persistence persistence_of(const Head& head, bool keep);

// Appends the answer to `out`; false (and nothing appended) when the handler declines or the
// request has a body.
bool answer_at_once(Context& context, Envelope& envelope, const Connection& connection,
                    const Head& head, bool keep, std::string& out);

}  // namespace espalier::http
