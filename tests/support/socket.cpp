#include "support/socket.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace espalier::test {
namespace {

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    const char* literal = host == "localhost" ? "127.0.0.1" : host.c_str();
    if (::inet_pton(AF_INET, literal, &address.sin_addr) != 1) address.sin_family = AF_UNSPEC;
    return address;
}

bool has_connected(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

Socket::Socket(base::Fd fd, Interrupt* interrupt) : fd_(std::move(fd)), interrupt_(interrupt) {
    if (!fd_) return;
    ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Socket Socket::connect(const std::string& host, std::uint16_t port, base::Deadline deadline,
                       Interrupt* interrupt, int receive_buffer) {
    const auto address = address_of(host, port);
    if (address.sin_family != AF_INET) return {};
    Socket socket(base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), interrupt);
    if (receive_buffer > 0) socket.set_receive_buffer(receive_buffer);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.fd_.get(), generic, sizeof address) == 0) return socket;
    if (errno != EINPROGRESS) return {};
    auto io = Io::rung;
    while (io == Io::rung) io = socket.wait(POLLOUT, deadline);
    if (io != Io::ok || !has_connected(socket.fd_.get())) return {};
    return socket;
}

Io Socket::wait(short events, base::Deadline deadline, short* happened) {
    const int wake = interrupt_ == nullptr ? -1 : interrupt_->fd();
    for (;;) {
        if (interrupt_ != nullptr && interrupt_->stopped()) return Io::stopped;
        std::array<pollfd, 2> waiting{pollfd{.fd = fd_.get(), .events = events, .revents = 0},
                                      pollfd{.fd = wake, .events = POLLIN, .revents = 0}};
        const int ready = ::poll(waiting.data(), waiting.size(), deadline.poll_timeout());
        if (ready == 0 && deadline.passed()) return Io::timed_out;
        if (ready <= 0) continue;
        if (waiting[1].revents != 0) {
            interrupt_->clear();
            return interrupt_->stopped() ? Io::stopped : Io::rung;
        }
        if (happened != nullptr) *happened = waiting[0].revents;
        return Io::ok;
    }
}

Moved Socket::read(std::span<char> out, base::Deadline deadline) {
    if (!is_open()) return {Io::broken, 0};
    for (;;) {
        const auto got = ::recv(fd_.get(), out.data(), out.size(), 0);
        if (got > 0) return {Io::ok, static_cast<std::size_t>(got)};
        if (got == 0) return {Io::closed, 0};
        if (!would_block()) return {Io::broken, 0};
        const auto io = wait(POLLIN, deadline);
        if (io != Io::ok && io != Io::rung) return {io, 0};
    }
}

Moved Socket::write(std::string_view bytes, base::Deadline deadline) {
    if (!is_open()) return {Io::broken, 0};
    for (;;) {
        const auto put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put >= 0) return {Io::ok, static_cast<std::size_t>(put)};
        if (!would_block()) return {Io::broken, 0};
        const auto io = wait(POLLOUT, deadline);
        if (io != Io::ok && io != Io::rung) return {io, 0};
    }
}

Io Socket::write_all(std::string_view bytes, base::Deadline deadline) {
    while (!bytes.empty()) {
        const auto put = write(bytes, deadline);
        if (put.io != Io::ok) return put.io;
        bytes.remove_prefix(put.bytes);
    }
    return Io::ok;
}

Io Socket::rest(base::Deadline deadline) {
    const auto io = wait(POLLRDHUP, deadline);
    return io == Io::ok ? Io::closed : io;
}

Io Socket::wait_readable(base::Deadline deadline) {
    return wait(POLLIN, deadline);
}

Io Socket::wait_either(base::Deadline deadline, bool& readable) {
    short happened = 0;
    const auto io = wait(POLLIN | POLLOUT, deadline, &happened);
    readable = (happened & (POLLIN | POLLHUP | POLLERR)) != 0;
    return io;
}

void Socket::half_close() {
    ::shutdown(fd_.get(), SHUT_WR);
}

void Socket::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void Socket::set_receive_buffer(int bytes) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

}  // namespace espalier::test
