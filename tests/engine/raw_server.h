// A RawServer listens on the loopback and runs a script with each connection: bytes in, bytes
// out, no HTTP of its own. A Client is an Engine with the Bell that tests wait for.
//
// Threads: one that accepts and one per connection; all end with the server, which closes every
// connection, so that a script that reads or waits for the peer comes back.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/guarded.h"
#include "engine/engine.h"

namespace espalier::test {

class Connection {
public:
    explicit Connection(base::Fd fd) : fd_(std::move(fd)) {}

    // Up to and with the empty line; "" when the peer has left.
    std::string read_head();
    // At most `bytes`, less when the peer leaves before.
    std::string read(std::size_t bytes);
    // Reads on until the peer leaves; how many bytes that were.
    std::size_t drain();
    bool send(std::string_view bytes);
    // Reads nothing; true when the peer has closed its side, or all of it, in that time.
    bool peer_leaves_within(base::Milliseconds time);
    // Ends the connection with a RST.
    void reset();
    // A tiny receive buffer, so that the peer's sends soon block.
    void narrow();
    void interrupt();
    // From 1: which of the server's connections this is.
    int number = 0;

private:
    base::Fd fd_;
    std::string ahead_;
};

class RawServer {
public:
    using Script = std::function<void(Connection&)>;

    explicit RawServer(Script script);
    ~RawServer();
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    std::uint16_t port() const { return port_; }
    engine::Url url(std::string_view path = "/") const;
    std::string address() const;  // "127.0.0.1:port"
    int connections() const { return accepted_.load(); }

private:
    struct Served {
        std::shared_ptr<Connection> connection;
        std::jthread thread;
    };
    void accept_all();

    const Script script_;
    base::Fd listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::atomic<bool> stopping_{false};
    base::Guarded<std::vector<Served>> served_;
    std::jthread acceptor_;
};

// What a request's head says of its body; 0 when it says nothing.
std::size_t content_length(std::string_view head);
bool has_line(std::string_view head, std::string_view line);
// Answers every request on the connection with `response`; bodies are read and dropped.
RawServer::Script always(std::string response);
std::string ok(std::string_view body);

// Waits for `bell` until `holds(transfer.state())`; fails the test after half a minute.
engine::TransferState wait_for(const engine::Transfer& transfer, base::Bell& bell,
                               const std::function<bool(const engine::TransferState&)>& holds);

struct Client {
    engine::Engine engine{engine::Engine::Options{}};
    std::shared_ptr<base::Bell> bell = std::make_shared<base::Bell>();

    engine::Transfer start(engine::TransferRequest request) {
        return engine.start(std::move(request), bell);
    }
    engine::TransferState over(const engine::Transfer& transfer) {
        return wait_for(transfer, *bell, [](const auto& state) { return state.over; });
    }
    engine::TransferState complete(const engine::Transfer& transfer) {
        return wait_for(transfer, *bell,
                        [](const auto& state) { return state.response_complete || state.over; });
    }
    engine::TransferState run(engine::TransferRequest request) {
        const auto transfer = start(std::move(request));
        return over(transfer);
    }
};

}  // namespace espalier::test
