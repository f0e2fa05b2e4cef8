#include "http/wire.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace espalier::http {
namespace {

using base::Deadline;
using base::Steady;
using Status = Body::Status;

bool must_wait(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// Takes `count` bytes off the front of the pieces.
void take_off(std::span<iovec>& pieces, std::size_t count) {
    while (!pieces.empty() && count >= pieces.front().iov_len) {
        count -= pieces.front().iov_len;
        pieces = pieces.subspan(1);
    }
    if (pieces.empty()) return;
    auto& front = pieces.front();
    front.iov_base = static_cast<char*>(front.iov_base) + count;
    front.iov_len -= count;
}

iovec piece_of(std::string_view bytes) {
    // sendmsg() does not write to what it sends.
    return {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

Body::Read Wire::receive_now(std::span<char> into) {
    const auto got = ::recv(socket_, into.data(), into.size(), 0);
    if (got > 0) {
        in_.moved(static_cast<std::uint64_t>(got));
        return {.status = Status::bytes, .count = static_cast<std::size_t>(got)};
    }
    if (got < 0 && must_wait(errno)) return {.status = Status::timeout};
    return {.status = Status::broken};
}

Body::Read Wire::receive(std::span<char> into, base::Bell* bell, Deadline deadline) {
    for (;;) {
        const auto got = receive_now(into);
        if (got.status != Status::timeout) return got;
        if (bell != nullptr && bell->clear()) return {.status = Status::rung};
        const auto before = Steady::now();
        if (deadline.passed(before)) return {.status = Status::timeout};
        const auto until = std::min(deadline, in_.patience(before));
        std::array<pollfd, 2> waiting{{{.fd = socket_, .events = POLLIN, .revents = 0},
                                       {.fd = -1, .events = POLLIN, .revents = 0}}};
        if (bell != nullptr) waiting[1].fd = bell->fd();
        ::poll(waiting.data(), waiting.size(), until.poll_timeout());
        if (!in_.waited(Steady::now() - before)) return {.status = Status::timeout};
    }
}

bool Wire::peer_gone() const {
    pollfd look{.fd = socket_, .events = POLLRDHUP, .revents = 0};
    return ::poll(&look, 1, 0) > 0;
}

bool Wire::send(std::string_view bytes, bool more) {
    while (!failed_ && !bytes.empty()) {
        const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), flags);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (!must_wait(errno) || !wait_writable()) {
            return fail();
        }
    }
    return !failed_;
}

bool Wire::send(std::string_view first, std::string_view second, std::string_view third) {
    std::array<iovec, 3> all{piece_of(first), piece_of(second), piece_of(third)};
    std::span<iovec> pieces(all);
    take_off(pieces, 0);
    while (!failed_ && !pieces.empty()) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        const auto sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            take_off(pieces, static_cast<std::size_t>(sent));
        } else if (!must_wait(errno) || !wait_writable()) {
            return fail();
        }
    }
    return !failed_;
}

bool Wire::send_file(int file, std::uint64_t offset, std::uint64_t length) {
    constexpr std::uint64_t kAtOnce = 1ULL << 30;
    auto at = static_cast<off_t>(offset);
    while (!failed_ && length > 0) {
        const auto sent = ::sendfile(socket_, file, &at, std::min(length, kAtOnce));
        if (sent > 0) {
            length -= static_cast<std::uint64_t>(sent);
        } else if (sent == 0 || !must_wait(errno) || !wait_writable()) {
            return fail();
        }
    }
    return !failed_;
}

bool Wire::fail() {
    failed_ = true;
    return false;
}

bool Wire::wait_writable() {
    const auto before = Steady::now();
    const auto queued = unacknowledged();
    pollfd waiting{.fd = socket_, .events = POLLOUT, .revents = 0};
    ::poll(&waiting, 1, out_.patience(before).poll_timeout());
    const auto left = unacknowledged();
    out_.moved(queued > left ? queued - left : 0);
    return out_.waited(Steady::now() - before);
}

std::uint64_t Wire::unacknowledged() const {
    int bytes = 0;
    if (::ioctl(socket_, SIOCOUTQ, &bytes) != 0) return 0;
    return static_cast<std::uint64_t>(bytes);
}

}  // namespace espalier::http
