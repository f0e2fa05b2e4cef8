#include "http/reactor.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/thread.h"

namespace espalier::http {
namespace {

using base::Steady;

constexpr std::size_t kInputBytes = 98'304;
constexpr int kEventsAtOnce = 256;
constexpr int kAcceptsAtOnce = 64;
constexpr base::Milliseconds kSweepLongest{500};

void add(int epoll, int fd, std::uint32_t events, void* what) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = what;
    ESPALIER_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

std::string address_text(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = "";
    // sockaddr_storage is made to be seen as the family's own type.
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    } else if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    const std::string_view name(text);
    constexpr std::string_view kMapped = "::ffff:";
    const bool mapped = name.starts_with(kMapped) && name.find('.') != name.npos;
    return std::string(mapped ? name.substr(kMapped.size()) : name);
}

base::Milliseconds sweep_interval(const Server::Options& options) {
    const auto shortest =
        std::min({options.head_timeout, options.idle_timeout, options.linger}) / 4;
    return std::clamp(shortest, base::Milliseconds{5}, kSweepLongest);
}

}  // namespace

Reactor::Reactor(Context& context, Dispatcher& dispatcher)
    : context_(context),
      dispatcher_(dispatcher),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      envelope_(context.options.server_name, ids_),
      input_(kInputBytes),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    ESPALIER_CHECK(epoll_);
    add(epoll_.get(), bell_.fd(), EPOLLIN, &bell_);
}

Reactor::~Reactor() {
    join(base::Deadline::after(base::Milliseconds{0}));
}

void Reactor::listen_on(std::span<const base::Fd> sockets) {
    for (const auto& socket : sockets) listeners_.push_back(socket.get());
    for (int& listener : listeners_) {
        add(epoll_.get(), listener, EPOLLIN | EPOLLEXCLUSIVE, &listener);
    }
}

void Reactor::start(const std::string& thread_name) {
    thread_ = base::start_thread(thread_name, [this](const std::stop_token&) { run(); });
}

void Reactor::run() {
    std::array<epoll_event, kEventsAtOnce> events;  // NOLINT(*-member-init): filled below
    tick();
    while (!may_end()) {
        const int ready = ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, patience());
        tick();
        for (int i = 0; i < ready; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            on_event(event.data.ptr, event.events);
        }
        // After the batch, so that no event of it meets a connection that is gone.
        if (std::exchange(has_post_, false)) read_letters();
        if (now_ >= next_sweep_) sweep();
    }
    while (!table_.empty()) close(*table_.back());
}

int Reactor::patience() const {
    if (table_.empty()) return -1;
    const auto sweep = base::Deadline::at(next_sweep_);
    return (ends_by_ ? std::min(sweep, *ends_by_) : sweep).poll_timeout();
}

bool Reactor::may_end() const {
    if (!ends_by_) return false;
    return ends_by_->passed(now_) || std::ranges::none_of(table_, [](const auto& connection) {
               return connection->state == Connection::State::draining || !connection->out.empty();
           });
}

void Reactor::tick() {
    now_ = Steady::now();
    envelope_.tick(base::SystemClock().unix_now());
}

// `what` is the address of the Bell, of a listener, or of a connection, which lives as long as
// it is registered.
void Reactor::on_event(void* what, std::uint32_t events) {
    if (what == &bell_) {
        has_post_ = true;
        return;
    }
    for (const int& listener : listeners_) {
        if (what == &listener) return accept_from(listener);
    }
    auto& connection = *static_cast<Connection*>(what);
    switch (connection.state) {
        case Connection::State::lent:
            return watch(connection, 0);
        case Connection::State::draining:
            return drain(connection);
        case Connection::State::reading:
            break;
    }
    if (!connection.out.empty()) return writable(connection);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) readable(connection);
}

void Reactor::post(Letter letter) {
    letters_.with([&](auto& letters) { letters.push_back(std::move(letter)); });
    bell_.ring();
}

void Reactor::give_back(Connection& connection, After after) {
    post({.order = Order::returned, .after = after, .returned = &connection, .adopted = {}});
}

void Reactor::adopt(std::unique_ptr<Connection> connection) {
    load_.fetch_add(1, std::memory_order_relaxed);
    post({.order = Order::adopted, .adopted = std::move(connection)});
}

void Reactor::retire() {
    post({.order = Order::retire, .adopted = {}});
}
void Reactor::cut() {
    post({.order = Order::cut, .adopted = {}});
}

void Reactor::join(base::Deadline patience) {
    if (!thread_.joinable()) return;
    post({.order = Order::end, .adopted = {}, .patience = patience});
    thread_.join();
}

void Reactor::read_letters() {
    bell_.clear();
    auto letters = letters_.with([](auto& all) { return std::exchange(all, {}); });
    for (auto& letter : letters) follow(letter);
}

void Reactor::follow(Letter& letter) {
    switch (letter.order) {
        case Order::returned:
            return take_back(*letter.returned, letter.after);
        case Order::adopted:
            return insert(std::move(letter.adopted));
        case Order::retire:
            retired_ = true;
            for (const int listener : listeners_) {
                ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener, nullptr);
            }
            return sweep();
        case Order::cut:
            for (const auto& connection : table_) {
                if (connection->state != Connection::State::lent) continue;
                ::shutdown(connection->socket.get(), SHUT_RDWR);
            }
            return;
        case Order::end:
            ends_by_ = letter.patience;
            return;
    }
}

void Reactor::sweep() {
    next_sweep_ = now_ + sweep_interval(context_.options);
    // From the back, because closing moves the last one into the gap.
    for (std::size_t i = table_.size(); i-- > 0;) sweep_one(*table_[i]);
}

void Reactor::sweep_one(Connection& connection) {
    const auto& options = context_.options;
    const auto age = now_ - connection.since;
    if (connection.state == Connection::State::lent) return;
    if (connection.state == Connection::State::draining) {
        if (age >= options.linger) close(connection);
    } else if (!connection.out.empty()) {
        if (age >= options.idle_timeout) close(connection);
    } else if (!connection.in.empty()) {
        if (age < options.head_timeout) return;
        read_head({}, 0, head_);  // forgets whose head was read last
        refuse(connection, kHeadTooSlow);
    } else if (retired_ || age >= options.idle_timeout) {
        close(connection);
    }
}

void Reactor::accept_from(int listener) {
    for (int i = 0; i < kAcceptsAtOnce && !retired_; ++i) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        // accept4() wants the general type.
        base::Fd socket(::accept4(listener, reinterpret_cast<sockaddr*>(&address), &length,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket && (errno == EMFILE || errno == ENFILE)) return shed_one(listener);
        if (!socket) return;
        const auto open = context_.tally.connections.fetch_add(1, std::memory_order_relaxed);
        if (open >= static_cast<std::uint64_t>(context_.options.connections_max)) {
            refuse_connection(std::move(socket));
            continue;
        }
        auto connection = std::make_unique<Connection>();
        connection->socket = std::move(socket);
        connection->peer = address_text(address);
        connection->trusted = context_.trusted.includes(connection->peer);
        auto& home = dispatcher_.home_for_next(*this);
        if (&home != this) {
            home.adopt(std::move(connection));
            continue;
        }
        load_.fetch_add(1, std::memory_order_relaxed);
        insert(std::move(connection));
    }
}

// Says why, as far as the kernel takes it at once, and hangs up.
void Reactor::refuse_connection(base::Fd socket) {
    context_.tally.connections.fetch_sub(1, std::memory_order_relaxed);
    count(context_.tally.connections_refused);
    std::string out;
    InstantReply reply(out, &envelope_, Persistence::close);
    write_refusal(reply, {503, "too many connections, try again soon"}, false);
    [[maybe_unused]] const auto sent = ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
    ::shutdown(socket.get(), SHUT_WR);
    [[maybe_unused]] const auto got =
        ::recv(socket.get(), input_.data(), input_.size(), MSG_DONTWAIT);
}

// Descriptors have run out: without this the listener would stay readable for ever.
void Reactor::shed_one(int listener) {
    count(context_.tally.connections_refused);
    spare_.reset();
    spare_.reset(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    spare_.reset();
    spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Reactor::insert(std::unique_ptr<Connection> connection) {
    if (table_.empty()) next_sweep_ = now_ + sweep_interval(context_.options);
    auto& added = *connection;
    added.home = this;
    added.since = now_;
    added.place = table_.size();
    table_.push_back(std::move(connection));
    if (retired_) return close(added);
    watch(added, EPOLLIN);
}

void Reactor::close(Connection& connection) {
    const auto place = connection.place;
    table_.back()->place = place;
    std::swap(table_[place], table_.back());
    table_.pop_back();  // closing the socket takes it out of the epoll as well
    load_.fetch_sub(1, std::memory_order_relaxed);
    context_.tally.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Reactor::watch(Connection& connection, std::uint32_t events) {
    if (connection.watched == events) return;
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    // Not registered rather than registered for nothing: hang-ups are reported regardless.
    const int how = events == 0               ? EPOLL_CTL_DEL
                    : connection.watched == 0 ? EPOLL_CTL_ADD
                                              : EPOLL_CTL_MOD;
    ESPALIER_CHECK(::epoll_ctl(epoll_.get(), how, connection.socket.get(), &event) == 0);
    connection.watched = events;
}

// What a worker's request needed; idle connections are many, so a large block is not kept.
void Reactor::shrink(Connection& connection) {
    auto& headers = connection.head.headers;
    if (connection.head_bytes.capacity() > Buffer::kKeptBytes)
        std::string().swap(connection.head_bytes);
    if (headers.capacity() * sizeof headers[0] > Buffer::kKeptBytes)
        std::remove_reference_t<decltype(headers)>().swap(headers);
}

void Reactor::take_back(Connection& connection, After after) {
    shrink(connection);
    connection.state = Connection::State::reading;
    connection.since = now_;
    if (after == After::linger) return drain_first(connection);
    if (after == After::close || retired_) return close(connection);
    if (!connection.in.empty()) return resume(connection);
    watch(connection, EPOLLIN);
}

void Reactor::drain_first(Connection& connection) {
    ::shutdown(connection.socket.get(), SHUT_WR);
    connection.state = Connection::State::draining;
    connection.since = now_;
    connection.in.clear();
    watch(connection, EPOLLIN);
}

void Reactor::drain(Connection& connection) {
    const auto most = context_.options.linger_bytes_max;
    if (connection.drained > most) return close(connection);  // it has left
    const auto got = ::recv(connection.socket.get(), input_.data(), input_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(connection);
    connection.drained += static_cast<std::uint64_t>(got);
    // Nothing more is taken. It is not closed yet: a reset might reach the client before it has
    // read the answer, while a client that can send no more has nothing better to do.
    if (connection.drained > most) watch(connection, EPOLLRDHUP);
}

}  // namespace espalier::http
