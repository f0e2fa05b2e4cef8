// crowd: many clients that want little, for benchmarks: idle connections, half-sent requests
// and uploads that trickle at 2 KiB/s. Prints "ready" when all are open, and leaves when its
// standard input ends.
//
//   crowd PORT IDLE HALF TRICKLING AUTHORIZATION
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int connect_to(int port) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("connect");
        std::exit(1);
    }
    return client;
}

std::vector<int> open_clients(int port, int count, const std::string& first_words) {
    std::vector<int> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(connect_to(port));
        if (!first_words.empty() &&
            ::send(clients.back(), first_words.data(), first_words.size(), MSG_NOSIGNAL) < 0)
            std::perror("send");
    }
    return clients;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const int port = std::atoi(argv[1]);
    const std::string upload = std::string("PUT /upload HTTP/1.1\r\nHost: x\r\n") + argv[5] +
                               "\r\nContent-Length: 100000000\r\n\r\n";
    const auto idle = open_clients(port, std::atoi(argv[2]), "");
    const auto half = open_clients(port, std::atoi(argv[3]), "GET / HTT");
    const auto trickling = open_clients(port, std::atoi(argv[4]), upload);
    std::puts("ready");
    std::fflush(stdout);
    const std::string some(1024, 'x');
    pollfd input{.fd = 0, .events = POLLIN, .revents = 0};
    while (::poll(&input, 1, 500) == 0)
        for (const int client : trickling)
            static_cast<void>(
                ::send(client, some.data(), some.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    return 0;
}
