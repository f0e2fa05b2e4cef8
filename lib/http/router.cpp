// The only file that knows cpp-httplib.
#include "http/router.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <httplib.h>
#include <netdb.h>
#include <sys/socket.h>

#include "base/text.h"

namespace espalier::http {
namespace {

constexpr int kBacklog = 4096;

// httplib reads the checked request line from here; what it writes is thrown away, because
// the Exchange has answered, or will.
class Feed final : public httplib::Stream {
public:
    explicit Feed(const Head& head)
        : text_(base::text(head.method, ' ', head.path, " HTTP/1.1\r\n\r\n")) {}

    bool is_readable() const override { return true; }
    bool is_writable() const override { return true; }
    // Newer versions ask these instead; there they override.
    bool wait_readable() const { return true; }
    bool wait_writable() const { return true; }
    time_t duration() const { return 0; }

    ssize_t read(char* to, std::size_t size) override {
        const auto count = std::min(size, text_.size() - at_);
        std::memcpy(to, text_.data() + at_, count);
        at_ += count;
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* /*bytes*/, std::size_t size) override {
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& /*ip*/, int& port) const override { port = 0; }
    void get_local_ip_and_port(std::string& /*ip*/, int& port) const override { port = 0; }
    int socket() const override { return -1; }

private:
    std::string text_;
    std::size_t at_ = 0;
};

std::string bind_failure(const std::string& host, std::uint16_t port, int error) {
    const auto why =
        error == 0 ? std::string("no such address") : std::generic_category().message(error);
    return base::text("cannot listen on ", host, ':', port, ": ", why);
}

class HttplibRouter final : public Router, private httplib::Server {
public:
    HttplibRouter() {
        set_tcp_nodelay(true);  // accepted sockets inherit it
        // The default would let a second program listen on the same port unnoticed.
        set_socket_options([](int socket) {
            const int yes = 1;
            ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        });
        // No route is registered: everything is ours, and so are all exceptions.
        set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
            response.status = 200;
            if (request.response_handler) request.response_handler(response);
            return HandlerResponse::Handled;
        });
    }

    void route(Exchange& exchange, const Head& head) override {
        Feed feed(head);
        // httplib hands its request to the routing hook; a field that only clients use brings
        // the Exchange along.
        process(*this, feed, [&exchange](httplib::Request& request) {
            request.response_handler = [&exchange](const httplib::Response&) {
                exchange.answer();
                return true;
            };
        });
    }

    base::Result<base::Fd> bind(const std::string& host, std::uint16_t port) override {
        errno = 0;
        const bool bound = port == 0 ? bind_to_any_port(host, AI_PASSIVE) >= 0
                                     : bind_to_port(host, port, AI_PASSIVE);
        if (!bound) return base::fail(base::ErrorKind::refused, bind_failure(host, port, errno));
        // Ours from here on; httplib never closes it, because its own loop does not run.
        base::Fd socket(svr_sock_);
        const int flags = ::fcntl(socket.get(), F_GETFL);
        if (::listen(socket.get(), kBacklog) != 0 ||
            ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
            return base::fail(base::ErrorKind::refused, bind_failure(host, port, errno));
        }
        return socket;
    }

private:
    // Versions differ in the parameters: 0.18 and later want the addresses as well.
    template <class Self>
    static void process(Self& self, Feed& feed,
                        const std::function<void(httplib::Request&)>& setup) {
        bool closed = false;
        constexpr bool kClose = true;  // spares httplib a header that nobody will see
        if constexpr (requires { self.process_request(feed, kClose, closed, setup); }) {
            self.process_request(feed, kClose, closed, setup);
        } else {
            self.process_request(feed, "", 0, "", 0, kClose, closed, setup);
        }
    }
};

}  // namespace

std::unique_ptr<Router> Router::make() {
    return std::make_unique<HttplibRouter>();
}

}  // namespace espalier::http
