// The Router is the cpp-httplib server inside: it opens the listening sockets and takes what
// reaches a worker through httplib's request handling to the Exchange.
//
// httplib sees only a request line that was checked before, and what it would write by itself
// is thrown away: heads, bodies and replies are read and written by this room, because
// httplib 0.11 loses pipelined requests, inflates bodies, and answers some twice.
//
// Threads: route() from any; bind() before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "http/exchange.h"

namespace espalier::http {

class Router {
public:
    virtual ~Router() = default;
    static std::unique_ptr<Router> make();
    // Makes the exchange answer, unless httplib does not know the method.
    virtual void route(Exchange& exchange, const Head& head) = 0;
    // A listening, non-blocking socket. Errors: refused, with the system's reason.
    virtual base::Result<base::Fd> bind(const std::string& host, std::uint16_t port) = 0;
};

}  // namespace espalier::http
