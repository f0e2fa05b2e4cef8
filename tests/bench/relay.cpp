// relay: the least that a gateway must do with an upload, for benchmarks: one thread receives
// and hashes, another sends every piece to all servers. No checks, no curl, no second request
// at once. What it needs on a machine is the floor under what a gateway can reach there.
//
//   relay PORT…
//
// Prints "listening on http://127.0.0.1:PORT".
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kPiecesMax = 8;

struct Piece {
    std::shared_ptr<char[]> bytes;
    std::size_t size = 0;
};

// A queue of pieces between the two threads; an empty piece is the end.
class Queue {
public:
    void push(Piece piece) {
        std::unique_lock lock(mutex_);
        moved_.wait(lock, [this] { return pieces_.size() < kPiecesMax; });
        pieces_.push_back(std::move(piece));
        moved_.notify_all();
    }
    Piece pop() {
        std::unique_lock lock(mutex_);
        moved_.wait(lock, [this] { return !pieces_.empty(); });
        auto piece = std::move(pieces_.front());
        pieces_.pop_front();
        moved_.notify_all();
        return piece;
    }

private:
    std::mutex mutex_;
    std::condition_variable moved_;
    std::deque<Piece> pieces_;
};

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int connect_to(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        std::exit(1);
    return socket;
}

void send_all(int socket, const char* bytes, std::size_t size) {
    while (size > 0) {
        const auto sent = ::send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes += sent;
        size -= static_cast<std::size_t>(sent);
    }
}

std::string read_head(int socket) {
    std::string head;
    for (char c = 0; head.find("\r\n\r\n") == std::string::npos && ::recv(socket, &c, 1, 0) == 1;)
        head += c;
    return head;
}

void relay(int client, const std::vector<int>& ports) {
    const auto head = read_head(client);
    const auto at = head.find("Content-Length:");
    if (at == std::string::npos) return;
    auto left = std::strtoull(head.c_str() + at + 15, nullptr, 10);
    const auto request =
        "PUT /upload HTTP/1.1\r\nHost: x\r\nX-SHA-256: relayed\r\nContent-Length: " +
        std::to_string(left) + "\r\n\r\n";
    std::vector<int> servers;
    for (const int port : ports) servers.push_back(connect_to(port));
    for (const int server : servers) send_all(server, request.data(), request.size());
    Queue queue;
    std::jthread sender([&] {
        for (auto piece = queue.pop(); piece.size > 0; piece = queue.pop())
            for (const int server : servers) send_all(server, piece.bytes.get(), piece.size);
    });
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
    EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
    while (left > 0) {
        Piece piece{.bytes = std::make_shared_for_overwrite<char[]>(kPieceBytes)};
        const auto got = ::recv(client, piece.bytes.get(), std::min<std::size_t>(kPieceBytes, left),
                                MSG_WAITALL);
        if (got <= 0) break;
        piece.size = static_cast<std::size_t>(got);
        left -= piece.size;
        EVP_DigestUpdate(hash.get(), piece.bytes.get(), piece.size);
        queue.push(std::move(piece));
    }
    queue.push({});
    sender.join();
    for (const int server : servers) {
        read_head(server);
        ::close(server);
    }
    constexpr std::string_view kAnswer =
        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    send_all(client, kAnswer.data(), kAnswer.size());
}

}  // namespace

int main(int count, char** arguments) {
    std::vector<int> ports;
    for (int i = 1; i < count; ++i) ports.push_back(std::atoi(arguments[i]));
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return 1;
    ::listen(listener, 16);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client < 0) continue;
        relay(client, ports);
        ::close(client);
    }
}
