// The listening side: a Server accepts connections, checks request heads strictly, answers at
// once what needs no waiting, and runs everything else on a pool of workers that grows and
// shrinks.
//
// An instant handler runs on a reactor and must never wait; it declines (returns false) to
// have a worker run `handle`. `handle` may block on its client and its Bells. Requests with a
// body go to `handle` unasked, so it must know every route.
//
// Every answer carries CORS; every status >= 400 an X-Reason; those that the library below
// would make by itself included.
//
// Threads: `reactors` + elastic workers + one pusher, from start() to stop(). The handlers'
// owner outlives the Server.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "http/reply.h"
#include "http/request.h"

namespace espalier::http {

// Who a request is for: decides which workers may take it.
enum class Lane : std::uint8_t {
    ordinary,
    bulk,      // uploads and proxied bodies: at most 60 % of the workers that are not reserved
    reserved,  // /health and its kin: always a worker
};

// What became of one request. Its views live as long as answered() runs.
struct Answered {
    const Head& head;             // of a refused one only what was read before the fault
    std::string_view client;      // its address, without port
    std::string_view request_id;  // X-Request-Id of the answer
    int status = 0;
    std::uint64_t body_bytes = 0;
    base::Milliseconds took{0};              // from the handler's start to the answer's last byte
    bool at_once = false;                    // by a reactor or between two requests
    bool cut = false;                        // the client got less than the whole body
    const base::Headers* headers = nullptr;  // of the handler's Reply, where there was one
};

class Handlers {
public:
    virtual ~Handlers() = default;
    // On a reactor (or on a worker, between two requests); true = answered into `reply`. Must not
    // wait.
    virtual bool instant(const Head& head, std::string_view peer, InstantReply& reply) = 0;
    virtual Lane lane(const Head& head) const = 0;
    // On a worker.
    virtual Reply handle(Request& request) = 0;
    // The most bytes that a body may have; longer declared ones are refused with 413 unread.
    virtual std::uint64_t body_bytes_max(const Head& head) const = 0;
    // After every answer that the room made or sent (instant ones too), on the thread that made
    // it. Must not wait.
    virtual void answered(const Answered& /*answer*/) {}
};

class Server {
public:
    struct Options {
        std::vector<std::string> listen{"127.0.0.1:0"};  // ":8080", "host:port", "[::1]:80"
        int reactors = 2;
        int workers_min = 8;
        int workers_max = 512;
        int workers_reserved = 8;  // for Lane::reserved, on top of nothing: part of the max
        int queue_max = 128;       // requests that wait for a worker; beyond: 503
        int connections_max = 20'000;
        base::Milliseconds head_timeout{10'000};
        base::Milliseconds idle_timeout{60'000};
        base::Milliseconds worker_idle_exit{30'000};
        std::uint64_t client_min_rate = 1024;                 // bytes a second …
        base::Milliseconds client_min_rate_over{30'000};      // … over this long; below → 408
        base::Milliseconds linger{2'000};                     // open after an early refusal, and …
        std::uint64_t linger_bytes_max = 8ULL * 1024 * 1024;  // … at most this much is drained
        std::vector<std::string> trusted_proxies;             // addresses or CIDR blocks
        std::string server_name = "espalier";
    };
    struct Snapshot {
        std::uint64_t connections = 0, connections_refused = 0;
        std::uint64_t workers = 0, workers_busy = 0, parked = 0;
        std::uint64_t requests = 0, instant = 0, refused_heads = 0, overloaded = 0;
    };

    Server(const Options& options, Handlers& handlers, base::Log& log);
    // stop()s at once.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Binds and serves. Errors: invalid (address), storage/refused (cannot bind), naming it.
    base::Result<void> start();
    // The ports in the order of Options::listen, once started.
    std::vector<std::uint16_t> ports() const;
    // Stops accepting, closes idle connections, lets requests under way finish until the
    // deadline, then cuts the rest. Returns when every worker has returned.
    void stop(base::Deadline grace);
    Snapshot snapshot() const;

private:
    class Front;
    std::unique_ptr<Front> front_;
};

}  // namespace espalier::http
