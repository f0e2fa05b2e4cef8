// A Socket is a TCP connection whose waits have an end: a deadline or an Interrupt.
//
// Threads: one uses the Socket; any may ring its Interrupt.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bell.h"
#include "base/clock.h"
#include "base/fd.h"

namespace espalier::test {

// Wakes the thread that waits on a Socket: to look again (ring) or to give up (stop).
class Interrupt {
public:
    void ring() { bell_.ring(); }
    void stop() {
        stopped_.store(true);
        bell_.ring();
    }
    bool stopped() const { return stopped_.load(); }
    int fd() const { return bell_.fd(); }
    void clear() { bell_.clear(); }

private:
    base::Bell bell_;
    std::atomic<bool> stopped_{false};
};

enum class Io : std::uint8_t {
    ok,
    closed,     // the peer has ended its side (FIN)
    broken,     // reset, or never connected
    timed_out,  // the deadline has passed
    rung,       // somebody rang: look again
    stopped,    // the Interrupt says give up
};

struct Moved {
    Io io = Io::ok;
    std::size_t bytes = 0;  // > 0 exactly when io is ok
};

class Socket {
public:
    Socket() = default;
    // Takes over a connected socket; waits end early when `interrupt` (may be null) is rung.
    explicit Socket(base::Fd fd, Interrupt* interrupt = nullptr);

    // `host` is an IPv4 address or "localhost". Not connected: is_open() is false.
    // `receive_buffer` in bytes, 0 = the kernel's choice.
    static Socket connect(const std::string& host, std::uint16_t port, base::Deadline deadline,
                          Interrupt* interrupt = nullptr, int receive_buffer = 0);

    bool is_open() const { return static_cast<bool>(fd_); }
    Moved read(std::span<char> out, base::Deadline deadline);
    Moved write(std::string_view bytes, base::Deadline deadline);
    Io write_all(std::string_view bytes, base::Deadline deadline);
    // Waits until the peer leaves (closed), the Interrupt (rung, stopped) or the deadline,
    // reading nothing. A FIN counts as leaving, even behind unread bytes.
    Io rest(base::Deadline deadline);
    // Waits until a read would not block.
    Io wait_readable(base::Deadline deadline);
    // Waits until a read or a write would not block; `readable` tells which.
    Io wait_either(base::Deadline deadline, bool& readable);

    void half_close();
    void close() { fd_.reset(); }
    // Closes with a RST.
    void reset();
    void set_receive_buffer(int bytes);

private:
    Io wait(short events, base::Deadline deadline, short* happened = nullptr);

    base::Fd fd_;
    Interrupt* interrupt_ = nullptr;
};

}  // namespace espalier::test
