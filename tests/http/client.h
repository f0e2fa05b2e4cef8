// A raw client: it sends bytes as they are and reads answers, so that tests see the wire.
//
// Threads: one at a time. A wait longer than ten seconds fails the read.
#pragma once

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/headers.h"
#include "base/text.h"

namespace espalier::http {

struct Answer {
    int status = 0;  // 0: the connection ended before a whole answer
    base::Headers headers;
    std::string body;
    std::string raw_head;
};

class Client {
public:
    explicit Client(std::uint16_t port, int receive_buffer = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer > 0) {
            ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                         sizeof receive_buffer);
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 0);
    }

    // false: the other side has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    // Sends until nobody takes any more for a while; false: the other side has closed.
    bool send_until_full() {
        const std::string piece(65'536, 'x');
        for (int quiet = 0; quiet < 20;) {
            const auto sent =
                ::send(socket_.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && errno != EAGAIN) return false;
            quiet = sent < 0 ? quiet + 1 : 0;
            pollfd waiting{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
            if (sent < 0) ::poll(&waiting, 1, 5);
        }
        return true;
    }
    void shut_sending() { ::shutdown(socket_.get(), SHUT_WR); }
    void hang_up() { socket_.reset(); }

    // The next answer; the body of one to HEAD is none.
    Answer read(bool to_head = false) {
        Answer answer;
        auto end = std::string::npos;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!fill()) return {};
        }
        answer.raw_head = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        parse_head(answer);
        const bool bodiless =
            to_head || answer.status < 200 || answer.status == 204 || answer.status == 304;
        if (!bodiless && !read_body(answer)) answer.status = 0;
        return answer;
    }
    Answer ask(std::string_view request, bool to_head = false) {
        send(request);
        return read(to_head);
    }
    // Everything until the other side closes; what a cut body holds.
    std::string read_rest() {
        while (fill()) {
        }
        return std::exchange(buffer_, {});
    }
    // Whether the other side closes and sends nothing before it.
    bool ends() { return read_rest().empty(); }
    // At least `count` raw bytes.
    std::string read_raw(std::size_t count) {
        while (buffer_.size() < count && fill()) {
        }
        return std::exchange(buffer_, {});
    }

private:
    bool fill() {
        constexpr int kPatienceMs = 10'000;
        pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, kPatienceMs) != 1) {
            FAIL_CHECK("no answer came");
            return false;
        }
        std::array<char, 65536> piece;
        const auto got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (got <= 0) return false;
        buffer_.append(piece.data(), static_cast<std::size_t>(got));
        return true;
    }

    static void parse_head(Answer& answer) {
        bool first = true;
        for (auto line : base::split(answer.raw_head, '\n')) {
            if (line.empty()) continue;
            REQUIRE(line.back() == '\r');
            line.remove_suffix(1);
            if (std::exchange(first, false)) {
                REQUIRE(line.starts_with("HTTP/1.1 "));
                answer.status = static_cast<int>(*base::parse_number(line.substr(9, 3)));
                continue;
            }
            const auto colon = line.find(": ");
            REQUIRE(colon != line.npos);
            answer.headers.add(line.substr(0, colon), line.substr(colon + 2));
        }
    }

    bool read_body(Answer& answer) {
        if (answer.headers.value("Transfer-Encoding") == "chunked") return read_chunks(answer);
        const auto length = base::parse_number(answer.headers.value("Content-Length"));
        if (!length) {
            answer.body = read_rest();
            return true;
        }
        while (buffer_.size() < *length) {
            if (!fill()) return false;
        }
        answer.body = buffer_.substr(0, *length);
        buffer_.erase(0, *length);
        return true;
    }

    bool read_chunks(Answer& answer) {
        for (;;) {
            auto line = std::string::npos;
            while ((line = buffer_.find("\r\n")) == std::string::npos) {
                if (!fill()) return false;
            }
            const auto size = std::strtoull(buffer_.c_str(), nullptr, 16);
            while (buffer_.size() < line + 2 + size + 2) {
                if (!fill()) return false;
            }
            answer.body.append(buffer_, line + 2, size);
            buffer_.erase(0, line + 2 + size + 2);
            if (size == 0) return true;
        }
    }

    base::Fd socket_;
    std::string buffer_;
};

}  // namespace espalier::http
