#include "http/front.h"

#include <algorithm>
#include <array>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/text.h"
#include "http/at_once.h"
#include "http/exchange.h"
#include "http/wire.h"

namespace espalier::http {
namespace {

constexpr base::Milliseconds kNextRequestWait{2};
// A connection moves to another reactor only where that evens out a real difference.
constexpr std::size_t kLoadSlack = 4;

struct Address {
    std::string host;  // "": every address
    std::uint16_t port = 0;
};

// ":8080", "host:port", "[::1]:80"
base::Result<Address> parse_listen(const std::string& text) {
    const auto colon = text.rfind(':');
    const auto port = colon == text.npos
                          ? std::nullopt
                          : base::parse_number(std::string_view(text).substr(colon + 1));
    if (!port || *port > UINT16_MAX) {
        return base::fail(base::ErrorKind::invalid,
                          base::text("listen: '", text, "' is not 'host:port'"));
    }
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return Address{.host = std::move(host), .port = static_cast<std::uint16_t>(*port)};
}

std::uint16_t port_of(const base::Fd& socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    // getsockname() wants the general type; both families keep the port in the same place.
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Workers::Options worker_options(const Server::Options& options) {
    return {.min = options.workers_min,
            .max = options.workers_max,
            .reserved = options.workers_reserved,
            .queue_max = options.queue_max,
            .idle_exit = options.worker_idle_exit};
}

bool arrives_soon(int socket) {
    pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(kNextRequestWait.count())) == 1;
}

}  // namespace

Server::Front::Front(const Options& options, Handlers& handlers, base::Log& log)
    : context_{.options = options, .handlers = handlers, .log = log},
      router_(Router::make()),
      pusher_(context_),
      workers_(
          worker_options(options), [this](const Workers::Job& job) { return serve(job); },
          [this](const Workers::Job& job, After after) { done(job, after); }) {}

Server::Front::~Front() {
    stop(base::Deadline::after(base::Milliseconds{0}));
}

base::Result<void> Server::Front::start() {
    auto trusted = Trusted::parse(context_.options.trusted_proxies);
    if (!trusted) return std::unexpected(std::move(trusted).error());
    context_.trusted = std::move(*trusted);
    if (auto bound = bind_all(); !bound) return bound;
    for (int i = 0; i < std::max(1, context_.options.reactors); ++i) {
        reactors_.push_back(std::make_unique<Reactor>(context_, *this));
        reactors_.back()->listen_on(listeners_);
    }
    running_ = true;
    pusher_.start();
    for (std::size_t i = 0; i < reactors_.size(); ++i) {
        reactors_[i]->start(base::text("reactor-", i));
    }
    return {};
}

base::Result<void> Server::Front::bind_all() {
    if (context_.options.listen.empty())
        return base::fail(base::ErrorKind::invalid, "listen: there is no address to listen on");
    for (const auto& text : context_.options.listen) {
        const auto address = parse_listen(text);
        if (!address) return std::unexpected(address.error());
        // Every address: IPv6's takes IPv4 as well, unless the machine has no IPv6.
        auto socket = router_->bind(address->host.empty() ? "::" : address->host, address->port);
        if (!socket && address->host.empty()) socket = router_->bind("0.0.0.0", address->port);
        if (!socket) return std::unexpected(std::move(socket).error());
        ports_.push_back(port_of(*socket));
        listeners_.push_back(std::move(*socket));
    }
    return {};
}

void Server::Front::stop(base::Deadline grace) {
    if (!running_) return;
    running_ = false;
    context_.stopping = true;
    // Shut, not closed: a reactor may be about to accept, and the number must stay ours.
    for (const auto& listener : listeners_) ::shutdown(listener.get(), SHUT_RDWR);
    for (const auto& reactor : reactors_) reactor->retire();
    pusher_.stop();
    workers_.wait_idle(grace);
    workers_.close();
    // A request is lent on its reactor's thread, so none can slip in after the cut.
    for (const auto& reactor : reactors_) reactor->cut();
    workers_.stop();
    for (const auto& reactor : reactors_) reactor->join(grace);
    listeners_.clear();
}

Server::Snapshot Server::Front::snapshot() const {
    const auto& tally = context_.tally;
    const auto workers = workers_.counts();
    return {.connections = tally.connections,
            .connections_refused = tally.connections_refused,
            .workers = workers.threads,
            .workers_busy = workers.busy,
            .parked = tally.parked,
            .requests = tally.requests,
            .instant = tally.instant,
            .refused_heads = tally.refused_heads,
            .overloaded = tally.overloaded};
}

bool Server::Front::submit(Connection& connection, Lane lane) {
    return workers_.submit({.connection = &connection, .lane = lane});
}

Reactor& Server::Front::home_for_next(Reactor& accepted_by) {
    const auto& least = *std::ranges::min_element(
        reactors_, {}, [](const auto& reactor) { return reactor->connections(); });
    const bool much_less = least->connections() + kLoadSlack < accepted_by.connections();
    return much_less ? *least : accepted_by;
}

After Server::Front::serve(const Workers::Job& job) {
    auto& connection = *job.connection;
    Envelope envelope(context_.options.server_name, context_.ids);
    read_head(connection.head_bytes, 0, connection.head);
    After after = exchange(connection, envelope);
    while (after == After::keep && next_request(connection, job.lane)) {
        envelope.tick(base::SystemClock().unix_now());
        read_head(connection.head_bytes, 0, connection.head);
        const auto instant = shortcut(connection, envelope);
        after = instant ? *instant : exchange(connection, envelope);
    }
    return after;
}

After Server::Front::exchange(Connection& connection, Envelope& envelope) {
    Exchange exchange(context_, connection, envelope);
    router_->route(exchange, connection.head);
    if (!exchange.answered()) exchange.refuse({405, "this method is not known here"});
    return exchange.after();
}

// What the reactor would do with this request.
std::optional<After> Server::Front::shortcut(Connection& connection, Envelope& envelope) {
    const bool keep = connection.head.keep_alive && !context_.stopping;
    std::string out;
    if (!answer_at_once(context_, envelope, connection, connection.head, keep, out)) {
        count(context_.tally.requests);
        return std::nullopt;
    }
    const auto& options = context_.options;
    Wire wire(connection.socket.get(), options.client_min_rate, options.client_min_rate_over);
    return wire.send(out) && keep ? After::keep : After::close;
}

void Server::Front::done(const Workers::Job& job, After after) {
    if (after == After::parked) return pusher_.park(*job.connection);
    job.connection->home->give_back(*job.connection, after);
}

// Whether this worker may go on with the connection's next request; what is not as simple as
// the last one goes back to the reactor.
bool Server::Front::next_request(Connection& connection, Lane lane) {
    if (!workers_.roomy() || !more_input(connection)) return false;
    const auto input = connection.in.view();
    const auto outcome = read_head(input, 0, connection.head);
    if (outcome.kind != HeadOutcome::Kind::complete) return false;
    const auto& head = connection.head;
    auto& handlers = context_.handlers;
    if (head.has_body() && head.content_length.value_or(0) > handlers.body_bytes_max(head)) {
        return false;
    }
    if (handlers.lane(head) != lane) return false;
    connection.head_bytes.assign(input.substr(0, outcome.bytes));
    connection.in.consume(outcome.bytes);
    return true;
}

bool Server::Front::more_input(Connection& connection) {
    if (!connection.in.empty()) return true;
    const int socket = connection.socket.get();
    if (!arrives_soon(socket)) return false;
    std::array<char, 16'384> piece;  // NOLINT(*-member-init): filled by recv()
    const auto got = ::recv(socket, piece.data(), piece.size(), 0);
    // The end, or a broken connection, is the reactor's to see.
    if (got > 0) connection.in.assign({piece.data(), static_cast<std::size_t>(got)});
    return got > 0;
}

}  // namespace espalier::http
