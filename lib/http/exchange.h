// An Exchange is one request on a worker: the handler runs, its Reply is sent, and what is
// left of the body is dealt with.
//
// Threads: the worker's.
#pragma once

#include <string>

#include "http/client_body.h"
#include "http/connection.h"
#include "http/context.h"
#include "http/respond.h"
#include "http/wire.h"

namespace espalier::http {

class Exchange {
public:
    // Requires: the connection's `head` was read.
    Exchange(Context& context, Connection& connection, Envelope& envelope);

    // Runs the handler and sends what it replies.
    void answer();
    // Sends the room's own answer.
    void refuse(const Refusal& refusal);
    bool answered() const { return answered_; }
    After after() const { return after_; }

private:
    Reply ask();
    void send(Reply reply);
    After conclude(const Sent& sent, Reply& reply);

    Context& context_;
    Connection& connection_;
    Envelope& envelope_;
    const std::string id_;
    const base::Steady::time_point begun_ = base::Steady::now();
    Forwarded forwarded_;
    Wire wire_;
    ClientBody body_;
    bool answered_ = false;
    After after_ = After::close;
};

}  // namespace espalier::http
