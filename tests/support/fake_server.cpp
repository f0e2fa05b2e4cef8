#include "support/fake_server.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/text.h"
#include "base/thread.h"
#include "support/fake_exchange.h"

namespace espalier::test {
namespace {

struct Connection {
    Interrupt interrupt;
    Socket socket;
    std::atomic<bool> over{false};
    std::jthread thread;
};
using Connections = std::list<std::unique_ptr<Connection>>;

void play(Connection& connection, Books& books, const std::string& url, std::uint64_t number) {
    auto& socket = connection.socket;
    ByteReader reader(
        [&](std::span<char> out) { return socket.read(out, base::Deadline::never()).bytes; });
    Line line{socket, reader, connection.interrupt, books, url, number};
    auto next = Next::another;
    while (next == Next::another) next = Exchange(line).serve();
    if (next == Next::reset || connection.interrupt.stopped())
        socket.reset();
    else
        socket.close();
    connection.over.store(true);
    books.changes().announce();
}

// A socket bound to 127.0.0.1:`port`. Several may be, as long as at most one listens.
base::Fd bind_to(std::uint16_t port) {
    base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ESPALIER_CHECK(fd);
    // A port that the kernel chooses must be ours alone: it is shared only once it is chosen.
    const int on = 1;
    if (port != 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    ESPALIER_CHECK(::bind(fd.get(), generic, sizeof address) == 0);
    if (port == 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

std::uint16_t port_of(const base::Fd& fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ESPALIER_CHECK(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
}

// Bytes the kernel may take in behind our back, so that slow reading is felt by the peer.
int receive_buffer_of(const Script& script) {
    const bool slowed = script.read_rate > 0 || script.stall_upload_at;
    if (script.receive_buffer > 0 || !slowed) return script.receive_buffer;
    return 16 * 1024;
}

}  // namespace

struct FakeServer::Impl {
    Impl(Script script, std::uint16_t wanted) : reserved(bind_to(wanted)), port(port_of(reserved)) {
        books.set_script(std::move(script));
    }

    void start();
    void stop();
    void accept_all();
    void add(base::Fd fd);
    void sweep();
    void ring_all();

    Books books;
    const base::Fd reserved;  // keeps the port ours while nobody listens on it
    const std::uint16_t port;
    const std::string url = base::text("http://127.0.0.1:", std::uint32_t{port});
    base::Guarded<Connections> connections;
    std::uint64_t accepted = 0;  // owned by the acceptor thread

    base::Fd listener;
    std::unique_ptr<Interrupt> interrupt;  // of the acceptor
    std::jthread acceptor;
};

void FakeServer::Impl::start() {
    ESPALIER_CHECK(!acceptor.joinable());
    listener = bind_to(port);
    ESPALIER_CHECK(::listen(listener.get(), 512) == 0);
    interrupt = std::make_unique<Interrupt>();
    acceptor = base::start_thread("fake-accept", [this](const std::stop_token&) { accept_all(); });
}

void FakeServer::Impl::accept_all() {
    // The listener waits like any socket; closing it stays our business.
    Socket waiting(base::Fd(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 0)), interrupt.get());
    for (;;) {
        const auto io = waiting.wait_readable(base::Deadline::never());
        if (io == Io::stopped) return;
        base::Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (fd) add(std::move(fd));
        sweep();
    }
}

void FakeServer::Impl::add(base::Fd fd) {
    auto fresh = std::make_unique<Connection>();
    auto& connection = *fresh;
    connection.socket = Socket(std::move(fd), &connection.interrupt);
    const int receive_buffer = receive_buffer_of(*books.script());
    if (receive_buffer > 0) connection.socket.set_receive_buffer(receive_buffer);
    const auto number = ++accepted;
    // Listed first: a new Script must ring it from its first look on.
    connections.with([&](Connections& list) { list.push_back(std::move(fresh)); });
    connection.thread =
        base::start_thread("fake-server", [this, &connection, number](const std::stop_token&) {
            play(connection, books, url, number);
        });
}

void FakeServer::Impl::sweep() {
    Connections over;
    connections.with([&](Connections& list) {
        for (auto at = list.begin(); at != list.end();) {
            const auto next = std::next(at);
            if ((*at)->over.load()) over.splice(over.end(), list, at);
            at = next;
        }
    });
}

void FakeServer::Impl::stop() {
    if (!acceptor.joinable()) return;
    interrupt->stop();
    acceptor.join();
    acceptor = {};
    listener.reset();
    auto all = connections.with([](Connections& list) { return std::exchange(list, {}); });
    for (const auto& connection : all) connection->interrupt.stop();
    all.clear();
    books.changes().announce();
}

void FakeServer::Impl::ring_all() {
    connections.with([](Connections& list) {
        for (const auto& connection : list) connection->interrupt.ring();
    });
}

FakeServer::FakeServer(Script script, std::uint16_t port)
    : impl_(std::make_unique<Impl>(std::move(script), port)) {
    impl_->start();
}

FakeServer::~FakeServer() {
    stop();
}

std::uint16_t FakeServer::port() const {
    return impl_->port;
}
std::string FakeServer::url() const {
    return impl_->url;
}
std::string FakeServer::host() const {
    return impl_->url.substr(7);
}

void FakeServer::set_script(Script script) {
    impl_->books.set_script(std::move(script));
    impl_->ring_all();
}

Script FakeServer::script() const {
    return *impl_->books.script();
}

void FakeServer::edit(const std::function<void(Script&)>& change) {
    auto changed = script();
    change(changed);
    set_script(std::move(changed));
}

void FakeServer::stop() {
    impl_->stop();
}
void FakeServer::restart() {
    impl_->start();
}

std::vector<Seen> FakeServer::seen() const {
    return impl_->books.all_seen();
}
void FakeServer::forget_seen() {
    impl_->books.forget_seen();
}

std::size_t FakeServer::count(std::string_view method, std::string_view path_prefix) const {
    const auto all = seen();
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](const Seen& one) {
        return (method.empty() || one.method == method) && one.path.starts_with(path_prefix);
    }));
}

std::size_t FakeServer::complete_uploads() const {
    const auto all = seen();
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [](const Seen& one) { return one.op == Op::upload && one.body_complete; }));
}

std::size_t FakeServer::open_connections() const {
    return impl_->connections.with([](const Connections& list) {
        return static_cast<std::size_t>(
            std::ranges::count_if(list, [](const auto& one) { return !one->over.load(); }));
    });
}

bool FakeServer::has_blob(std::string_view hash) const {
    return impl_->books.find(std::string(hash)).has_value();
}

std::size_t FakeServer::blobs() const {
    return impl_->books.blobs();
}

std::string FakeServer::blob(std::string_view hash) const {
    const auto found = impl_->books.find(std::string(hash));
    return found && found->bytes ? *found->bytes : "";
}

std::string FakeServer::put_blob(std::string_view bytes, std::string_view type,
                                 std::string_view owner, std::int64_t uploaded) {
    Blob blob;
    blob.bytes = std::make_shared<const std::string>(bytes);
    blob.size = bytes.size();
    blob.type = type;
    blob.uploaded = uploaded != 0 ? uploaded : base::SystemClock().unix_now();
    blob.owners.insert(std::string(owner));
    auto hash = sha256_hex(bytes);
    impl_->books.store(hash, std::move(blob));
    return hash;
}

void FakeServer::drop_blob(std::string_view hash) {
    impl_->books.drop(std::string(hash));
}

bool FakeServer::wait_for(const std::function<bool()>& holds, base::Milliseconds patience) {
    return impl_->books.changes().wait_for(holds, patience);
}

bool FakeServer::wait_for_requests(std::string_view method, std::string_view path_prefix,
                                   std::size_t n, base::Milliseconds patience) {
    return wait_for([&] { return count(method, path_prefix) >= n; }, patience);
}

}  // namespace espalier::test
