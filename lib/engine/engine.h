// The Engine runs every exchange with upstreams on one thread: a curl multi handle driven
// by epoll. Nobody else touches curl: others post to its inbox and ring its eventfd.
//
// Small operations reuse easy handles and warm connections; bodies pass through Pipes, and a
// full or empty Pipe pauses the transfer: that is all that back-pressure is.
//
// Threads: one of its own, from the constructor to the destructor; start() from any. More
// than one Engine may exist. The engine thread never touches a disk, hashes, parses JSON or
// calls into other rooms: it sets state and rings Bells.
#pragma once

#include <memory>
#include <string>

#include "engine/transfer.h"

namespace espalier::engine {

class Loop;

class Engine {
public:
    struct Options {
        std::size_t connections_max = 4096;            // kept open, in use or idle, over all hosts
        std::size_t upload_buffer_bytes = 256 * 1024;  // per upload under way; 16 KiB to 2 MiB
        std::size_t idle_handles_max = 256;            // curl handles kept for the next transfers
        std::string ca_file;                           // "": the system's
        std::string user_agent = "espalier";
    };
    struct Snapshot {
        std::size_t transfers = 0;  // under way
        std::uint64_t started = 0, finished = 0;
        std::size_t waiting = 0;               // for their turn, by TransferRequest::at_once_max …
        std::uint64_t turned_away = 0;         // … and whose turn did not come
        std::uint64_t connections_opened = 0;  // attempts included
    };

    explicit Engine(const Options& options);
    // Completes every Transfer with shutting_down.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Starts an exchange; `bell` (may be null) is rung when the head arrives, when the response
    // is complete, when it is over, and by the Pipes as they say. Never blocks. A request that
    // cannot be sent (method, header, missing length) is over at once: kind invalid.
    Transfer start(TransferRequest request, std::shared_ptr<base::Bell> bell);
    // Ends every Transfer with shutting_down and refuses new ones the same way. Returns at once;
    // the Bells tell.
    void shut_down();
    Snapshot snapshot() const;

private:
    std::unique_ptr<Loop> loop_;
};

}  // namespace espalier::engine
