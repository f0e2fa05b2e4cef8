// What every part of one Server shares: its options, its handlers, and its counters.
//
// Threads: any; all but the counters and `stopping` is constant after start().
#pragma once

#include <atomic>

#include "http/envelope.h"
#include "http/head.h"
#include "http/server.h"
#include "http/trusted.h"

namespace espalier::http {

struct Tally {
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> connections_refused{0};
    std::atomic<std::uint64_t> parked{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> instant{0};
    std::atomic<std::uint64_t> refused_heads{0};
    std::atomic<std::uint64_t> overloaded{0};
};

inline void count(std::atomic<std::uint64_t>& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
}

struct Context {
    const Server::Options options;
    Handlers& handlers;
    base::Log& log;
    Trusted trusted{};
    RequestIds ids{};
    Tally tally{};
    std::atomic<bool> stopping{false};
};

// How one request ended, as far as its connection is concerned.
enum class After : std::uint8_t {
    keep,  // the next request may come
    close,
    linger,  // close, but first let the client read what was sent
    parked,  // the pusher goes on
};

// Writes the answer that the room makes by itself: X-Reason, a JSON body, CORS.
void write_refusal(InstantReply& reply, const Refusal& refusal, bool head_only);
Reply refusal_reply(const Refusal& refusal);

inline constexpr Refusal kOverloaded{503, "all workers are busy, try again soon"};
inline constexpr Refusal kBodyTooLarge{413, "the body is larger than what is accepted"};
inline constexpr Refusal kHeadTooSlow{408, "the request head came too slowly"};

}  // namespace espalier::http
