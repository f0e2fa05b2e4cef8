// sink: a Blossom server that throws every body away unread, for benchmarks of what stands in
// front of it. PUT /upload is acknowledged for whatever X-SHA-256 says, and a HEAD finds what
// was acknowledged before. GET /list/<pubkey> names as many blobs as the argument says, or goes on
// for ever.
//
//   sink [LISTED]
//
// One thread per connection. Prints "listening on http://127.0.0.1:PORT".
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

std::string field(const std::string& head, const char* name) {
    const std::string key = std::string("\n") + name + ":";
    for (std::size_t at = 0; at + key.size() < head.size(); ++at)
        if (::strncasecmp(head.c_str() + at, key.c_str(), key.size()) == 0) {
            const auto begin = head.find_first_not_of(' ', at + key.size());
            return head.substr(begin, head.find('\r', begin) - begin);
        }
    return {};
}

bool send_all(int socket, const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        const auto n = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return false;
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

// Drops `bytes` of the body without copying them out of the kernel.
bool drop(int socket, std::uint64_t bytes) {
    std::vector<char> nothing(1 << 20);
    while (bytes > 0) {
        const auto wanted = std::min<std::uint64_t>(bytes, nothing.size());
        const auto n = ::recv(socket, nothing.data(), wanted, MSG_TRUNC);
        if (n <= 0) return false;
        bytes -= static_cast<std::uint64_t>(n);
    }
    return true;
}

class Acknowledged {
public:
    void add(const std::string& hash) {
        const std::lock_guard lock(mutex_);
        hashes_.insert(hash);
    }
    bool has(const std::string& hash) {
        const std::lock_guard lock(mutex_);
        return hashes_.contains(hash);
    }

private:
    std::mutex mutex_;
    std::set<std::string> hashes_;
};

std::string answer(const std::string& head, std::uint64_t length, Acknowledged& acknowledged) {
    if (head.starts_with("HEAD /"))
        return acknowledged.has(head.substr(6, 64))
                   ? "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                     "Access-Control-Allow-Origin: *\r\n\r\n"
                   : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const auto hash = field(head, "X-SHA-256");
    acknowledged.add(hash);
    const auto body = "{\"url\":\"http://127.0.0.1/" + hash + ".bin\",\"sha256\":\"" + hash +
                      "\",\"size\":" + std::to_string(length) +
                      ",\"type\":\"application/octet-stream\",\"uploaded\":1700000000}";
    return "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The connection ends with the list; `blobs`: nothing for no end.
void send_list(int socket, std::optional<std::uint64_t> blobs) {
    std::string piece =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Connection: close\r\n\r\n[";
    for (std::uint64_t i = 0; !blobs || i < *blobs; ++i) {
        char hash[65];
        std::snprintf(hash, sizeof hash, "%064llx", static_cast<unsigned long long>(i));
        piece += i == 0 ? "" : ",";
        piece += std::string("{\"url\":\"http://127.0.0.1/") + hash + ".bin\",\"sha256\":\"" +
                 hash +
                 "\",\"size\":1000,\"type\":\"application/octet-stream\",\"uploaded\":1700000000}";
        if (piece.size() < 65536) continue;
        if (!send_all(socket, piece)) return;
        piece.clear();
    }
    send_all(socket, piece + "]");
}

void serve(int socket, Acknowledged& acknowledged, std::optional<std::uint64_t> listed) {
    const int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::string input;
    std::vector<char> piece(64 * 1024);
    for (;;) {
        auto end = input.find("\r\n\r\n");
        while (end == std::string::npos) {
            const auto n = ::recv(socket, piece.data(), piece.size(), 0);
            if (n <= 0) return static_cast<void>(::close(socket));
            input.append(piece.data(), static_cast<std::size_t>(n));
            end = input.find("\r\n\r\n");
        }
        const auto head = input.substr(0, end + 4);
        input.erase(0, end + 4);
        if (head.starts_with("GET /list/")) {
            send_list(socket, listed);
            return static_cast<void>(::close(socket));
        }
        const auto length = std::strtoull(field(head, "Content-Length").c_str(), nullptr, 10);
        const auto here = std::min<std::uint64_t>(length, input.size());
        input.erase(0, here);
        if (!field(head, "Expect").empty()) send_all(socket, "HTTP/1.1 100 Continue\r\n\r\n");
        if (!drop(socket, length - here) || !send_all(socket, answer(head, length, acknowledged)))
            return static_cast<void>(::close(socket));
    }
}

}  // namespace

int main(int count, char** arguments) {
    std::optional<std::uint64_t> listed;
    if (count > 1) listed = std::strtoull(arguments[1], nullptr, 10);
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return 1;
    ::listen(listener, 1024);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    Acknowledged acknowledged;
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client >= 0)
            std::thread(serve, client, std::ref(acknowledged), listed)
                .detach();  // lives as long as its client
    }
}
