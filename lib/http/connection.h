// A Connection is one client's socket and what is known about it.
//
// Its reactor owns it from accept to close. While it is lent to a worker or to the pusher,
// the reactor touches nothing but its own fields and never closes the socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "http/buffer.h"
#include "http/request.h"

namespace espalier::http {

class Reactor;
class Source;

// What the pusher needs to go on with a reply whose head was sent.
struct Parking {
    std::shared_ptr<Source> source;
    bool chunked = false;
    bool keep = false;
    int status = 0;
    std::string client, request_id;
    base::Steady::time_point begun{};
};

struct Connection {
    enum class State : std::uint8_t {
        reading,   // the reactor waits for a head, or for room to write
        lent,      // a worker or the pusher has it
        draining,  // the answer is out; what still comes is thrown away
    };

    // Constant.
    base::Fd socket;
    std::string peer;      // the other side's address, without port
    bool trusted = false;  // the other side is a trusted proxy
    Reactor* home = nullptr;

    // The reactor's.
    State state = State::reading;
    bool closing = false;            // nothing more is read after what is in `out`
    bool lingers = false;            // … and the close is a lingering one
    std::uint32_t watched = 0;       // epoll events asked for; 0 = not registered
    std::size_t place = 0;           // in the reactor's table
    std::string out;                 // what the socket would not take yet
    base::Steady::time_point since;  // when what it does now began
    std::uint64_t drained = 0;

    // Whoever has it: the reactor while reading, else the worker or the pusher.
    Buffer in;               // bytes after the head under way
    std::string head_bytes;  // what `head` points into
    Head head;
    Parking parking;
};

}  // namespace espalier::http
