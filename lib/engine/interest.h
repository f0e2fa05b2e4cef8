// Interest is an epoll set that is told of changes lazily: what a socket is waited for is
// noted, and only the net change since the last wait reaches the kernel. A socket that nobody
// waits for stays registered, because it will most likely be wanted again (a warm connection).
//
// Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <sys/epoll.h>

#include "base/clock.h"
#include "base/fd.h"

namespace espalier::engine {

class Interest {
public:
    Interest();

    // Wait for `events` (EPOLLIN, EPOLLOUT, both, 0) from the next wait() on. Requires: a socket
    // that is closed while it is wanted, or has been, is forgotten first.
    void want(int fd, std::uint32_t events);
    // Is it waited for at all?
    bool wants(int fd) const;
    void forget(int fd);

    // Waits until something happens or until `deadline`. What happened on sockets that nobody
    // waits for is left out. Valid until the next call.
    std::span<const epoll_event> wait(base::Deadline deadline);

private:
    struct Entry {
        std::uint32_t wanted = 0;
        std::uint32_t registered = 0;
        bool known = false;    // to the kernel
        bool changed = false;  // in changed_
    };
    void apply();
    void apply(int fd, Entry& entry);
    void drop(int fd, Entry& entry);

    static constexpr std::size_t kEventsMax = 256;
    base::Fd epoll_;
    std::vector<Entry> entries_;  // by descriptor
    std::vector<int> changed_;
    std::array<epoll_event, kEventsMax> events_{};
};

}  // namespace espalier::engine
