#include "http/server.h"

#include "http/front.h"

namespace espalier::http {

Server::Server(const Options& options, Handlers& handlers, base::Log& log)
    : front_(std::make_unique<Front>(options, handlers, log)) {}
Server::~Server() = default;

base::Result<void> Server::start() {
    return front_->start();
}
std::vector<std::uint16_t> Server::ports() const {
    return front_->ports();
}
void Server::stop(base::Deadline grace) {
    front_->stop(grace);
}
Server::Snapshot Server::snapshot() const {
    return front_->snapshot();
}

}  // namespace espalier::http
