// Sends a Reply to its client: the head, made here byte for byte, and the body.
//
// Threads: the worker's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/envelope.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/wire.h"

namespace espalier::http {

// What is said about the body and the connection in a head.
struct Framing {
    std::optional<std::uint64_t> length;
    bool chunked = false;
    Persistence persistence = Persistence::silent;
};

std::string head_of(const Reply& reply, const Framing& framing, const Envelope& envelope,
                    std::string_view id);

struct Sent {
    int status = 0;
    std::uint64_t body_bytes = 0;
    bool keep = false;    // the connection can take another request
    bool cut = false;     // the client must not take what it got for the whole
    bool parked = false;  // only the head was sent; the source goes on
    bool chunked = false;
};

struct ReplyTo {
    const Head& head;
    std::string_view id;
    bool keep = true;  // whether the connection could be kept
};

Sent respond(const ReplyTo& to, Reply& reply, Wire& wire, const Envelope& envelope);

}  // namespace espalier::http
