// The RawServer of the other tests; this name is what has it built with them.
#include "raw_server.h"

#include <array>
#include <utility>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/text.h"

namespace espalier::test {
namespace {

constexpr base::Seconds kPatience{30};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr* as_sockaddr(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

std::string Connection::read_head() {
    for (;;) {
        if (const auto end = ahead_.find("\r\n\r\n"); end != std::string::npos) {
            auto head = ahead_.substr(0, end + 4);
            ahead_.erase(0, end + 4);
            return head;
        }
        std::array<char, 4096> piece{};
        const auto got = ::recv(fd_.get(), piece.data(), piece.size(), 0);
        if (got <= 0) return "";
        ahead_.append(piece.data(), static_cast<std::size_t>(got));
    }
}

std::string Connection::read(std::size_t bytes) {
    std::array<char, 65536> piece{};
    while (ahead_.size() < bytes) {
        const auto got = ::recv(fd_.get(), piece.data(), piece.size(), 0);
        if (got <= 0) break;
        ahead_.append(piece.data(), static_cast<std::size_t>(got));
    }
    auto out = ahead_.substr(0, bytes);
    ahead_.erase(0, out.size());
    return out;
}

std::size_t Connection::drain() {
    auto total = std::exchange(ahead_, {}).size();
    std::array<char, 65536> piece{};
    for (;;) {
        const auto got = ::recv(fd_.get(), piece.data(), piece.size(), 0);
        if (got <= 0) return total;
        total += static_cast<std::size_t>(got);
    }
}

bool Connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool Connection::peer_leaves_within(base::Milliseconds time) {
    pollfd waiting{.fd = fd_.get(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) != 0;
}

void Connection::reset() {
    // Keeps the descriptor, which another thread may be about to interrupt.
    const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
    ESPALIER_CHECK(::connect(fd_.get(), &nowhere, sizeof nowhere) == 0);
}

void Connection::narrow() {
    const int bytes = 4096;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void Connection::interrupt() {
    ::shutdown(fd_.get(), SHUT_RDWR);
}

RawServer::RawServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto address = loopback(0);
    ESPALIER_CHECK(::bind(listener_.get(), as_sockaddr(address), sizeof address) == 0);
    ESPALIER_CHECK(::listen(listener_.get(), 1024) == 0);
    socklen_t length = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_all(); });
}

RawServer::~RawServer() {
    stopping_.store(true);
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    auto served = served_.with([](auto& all) { return std::exchange(all, {}); });
    for (auto& one : served) one.connection->interrupt();
}

void RawServer::accept_all() {
    for (;;) {
        base::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (stopping_.load() || !fd) return;
        auto connection = std::make_shared<Connection>(std::move(fd));
        connection->number = accepted_.fetch_add(1) + 1;
        auto thread = std::jthread([this, connection] {
            script_(*connection);
            connection->interrupt();
        });
        served_.with([&](auto& all) { all.push_back({connection, std::move(thread)}); });
    }
}

engine::Url RawServer::url(std::string_view path) const {
    return engine::Url::parse(base::text("http://", address(), path)).value();
}

std::string RawServer::address() const {
    return base::text("127.0.0.1:", port_);
}

std::size_t content_length(std::string_view head) {
    for (auto line : base::split(head, '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        if (!base::equal_ignoring_case(line.substr(0, colon), "Content-Length")) continue;
        line = base::trim(line.substr(colon + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        return static_cast<std::size_t>(base::parse_number(line).value_or(0));
    }
    return 0;
}

bool has_line(std::string_view head, std::string_view line) {
    return head.contains(base::text(line, "\r\n"));
}

RawServer::Script always(std::string response) {
    return [response = std::move(response)](Connection& connection) {
        for (;;) {
            const auto head = connection.read_head();
            if (head.empty()) return;
            connection.read(content_length(head));
            if (!connection.send(response)) return;
        }
    };
}

std::string ok(std::string_view body) {
    return base::text("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

engine::TransferState wait_for(const engine::Transfer& transfer, base::Bell& bell,
                               const std::function<bool(const engine::TransferState&)>& holds) {
    const auto deadline = base::Deadline::after(kPatience);
    for (;;) {
        auto state = transfer.state();
        if (holds(state)) return state;
        REQUIRE_MESSAGE(bell.wait(deadline), "nothing came of the transfer");
    }
}

}  // namespace espalier::test
