// The Front is what a Server is made of: the listening sockets, the reactors, the workers and
// the pusher, around a Router.
//
// Threads: start() and stop() from the owner's; the rest as Server says.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "http/context.h"
#include "http/pusher.h"
#include "http/reactor.h"
#include "http/router.h"
#include "http/server.h"
#include "http/workers.h"

namespace espalier::http {

class Server::Front final : public Dispatcher {
public:
    Front(const Options& options, Handlers& handlers, base::Log& log);
    ~Front() override;

    base::Result<void> start();
    void stop(base::Deadline grace);
    const std::vector<std::uint16_t>& ports() const { return ports_; }
    Snapshot snapshot() const;

    bool submit(Connection& connection, Lane lane) override;
    Reactor& home_for_next(Reactor& accepted_by) override;

private:
    base::Result<void> bind_all();
    After serve(const Workers::Job& job);
    void done(const Workers::Job& job, After after);
    After exchange(Connection& connection, Envelope& envelope);
    std::optional<After> shortcut(Connection& connection, Envelope& envelope);
    bool next_request(Connection& connection, Lane lane);
    bool more_input(Connection& connection);

    Context context_;
    std::unique_ptr<Router> router_;
    std::vector<base::Fd> listeners_;
    std::vector<std::uint16_t> ports_;
    std::vector<std::unique_ptr<Reactor>> reactors_;
    Pusher pusher_;
    Workers workers_;
    bool running_ = false;
};

}  // namespace espalier::http
