// A Wire is a worker's hold on a client's socket: it sends and receives, and waits for the
// client, its Bell or a Deadline at once. The socket itself is non-blocking.
//
// A client below the least rate is given up, in either direction; for sending, what the
// client's side acknowledged counts, not what our kernel took.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bell.h"
#include "base/clock.h"
#include "http/pace.h"
#include "http/request.h"

namespace espalier::http {

class Wire {
public:
    Wire(int socket, std::uint64_t min_rate, base::Milliseconds over)
        : socket_(socket), in_(min_rate, over), out_(min_rate, over) {}

    // At least one byte, or why not: rung, timeout, broken.
    Body::Read receive(std::span<char> into, base::Bell* bell, base::Deadline deadline);
    // What is there already; Status::timeout when there is nothing.
    Body::Read receive_now(std::span<char> into);

    // All of it, or false: the client has gone or was too slow. `more`: bytes follow at once.
    bool send(std::string_view bytes, bool more = false);
    // As one piece, where the kernel takes it.
    bool send(std::string_view first, std::string_view second, std::string_view third = {});
    // Requires: an open file. false also when the file is shorter than that.
    bool send_file(int file, std::uint64_t offset, std::uint64_t length);

    // The peer has closed its side, or the connection is broken.
    bool peer_gone() const;
    // Nothing more is sent once a send has failed.
    bool failed() const { return failed_; }

private:
    bool fail();
    bool wait_writable();
    std::uint64_t unacknowledged() const;

    const int socket_;
    Pace in_;
    Pace out_;
    bool failed_ = false;
};

}  // namespace espalier::http
