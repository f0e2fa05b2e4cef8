#include "http/pusher.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/thread.h"
#include "http/reactor.h"
#include "http/stream_writer.h"

namespace espalier::http {
namespace {

using base::Deadline;

constexpr std::uint64_t kBellToken = 0;
constexpr std::uint64_t kBoardToken = 1;
constexpr std::size_t kPendingBytesMax = 65'536;
constexpr int kEventsAtOnce = 64;
constexpr base::Milliseconds kShortest{1};

void control(int epoll, int how, int fd, std::uint32_t events, std::uint64_t token) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token;
    ESPALIER_CHECK(::epoll_ctl(epoll, how, fd, &event) == 0);
}

}  // namespace

Pusher::Pusher(Context& context) : context_(context), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    ESPALIER_CHECK(epoll_);
    control(epoll_.get(), EPOLL_CTL_ADD, bell_.fd(), EPOLLIN, kBellToken);
    control(epoll_.get(), EPOLL_CTL_ADD, board_.fd(), EPOLLIN, kBoardToken);
}

void Pusher::start() {
    thread_ = base::start_thread("pusher", [this](const std::stop_token&) { run(); });
}

void Pusher::park(Connection& connection) {
    const bool taken = inbox_.with([&](Inbox& inbox) {
        if (!inbox.closed) inbox.arrivals.push_back(&connection);
        return !inbox.closed;
    });
    if (taken) return bell_.ring();
    connection.parking = {};
    connection.home->give_back(connection, After::close);
}

void Pusher::stop() {
    if (!thread_.joinable()) return;
    inbox_.with([](Inbox& inbox) { inbox.closed = true; });
    bell_.ring();
    thread_.join();
}

void Pusher::run() {
    std::array<epoll_event, kEventsAtOnce> events;  // NOLINT(*-member-init): filled below
    while (!stopping_) {
        const auto until = timers_.empty() ? Deadline::never() : timers_.begin()->first;
        const int ready =
            ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, until.poll_timeout());
        for (int i = 0; i < ready; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            on_event(event.data.u64, event.events);
        }
        answer_timers();
    }
    while (!parked_.empty()) drop(parked_.begin()->first, After::close);
}

void Pusher::on_event(Token token, std::uint32_t events) {
    if (token == kBellToken) return take_in();
    if (token == kBoardToken) return answer_bells();
    const auto found = parked_.find(token);
    if (found == parked_.end()) return;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) return drop(token, After::close);
    go_on(token, found->second);
}

void Pusher::take_in() {
    bell_.clear();
    auto inbox = inbox_.with([](Inbox& all) {
        return Inbox{.arrivals = std::exchange(all.arrivals, {}), .closed = all.closed};
    });
    stopping_ = inbox.closed;
    for (Connection* connection : inbox.arrivals) {
        const auto token = next_token_++;
        auto& parked = parked_[token];
        parked.connection = connection;
        parked.bell = std::make_shared<base::Bell>(board_, token);
        count(context_.tally.parked);
        control(epoll_.get(), EPOLL_CTL_ADD, connection->socket.get(), EPOLLRDHUP, token);
        connection->parking.source->ring_on_change(parked.bell);
        go_on(token, parked);
    }
}

void Pusher::answer_bells() {
    for (const auto token : board_.take()) {
        const auto found = parked_.find(token);
        if (found == parked_.end()) continue;
        found->second.bell->clear();
        if (!found->second.full) go_on(token, found->second);
    }
}

void Pusher::answer_timers() {
    const auto now = base::Steady::now();
    while (!timers_.empty() && timers_.begin()->first.passed(now)) {
        const auto token = timers_.begin()->second;
        auto& parked = parked_.at(token);
        set_timer(token, parked, Deadline::never());
        // Waiting for room that long: the client does not read any more.
        parked.full ? drop(token, After::close) : go_on(token, parked);
    }
}

// Sends what there is until the source or the socket has no more.
void Pusher::go_on(Token token, Parked& parked) {
    for (;;) {
        if (!flush(token, parked)) return;
        if (parked.ended) {
            return drop(token, parked.connection->parking.keep ? After::keep : After::close);
        }
        if (!pull(parked)) return drop(token, After::close);
        if (parked.pending.empty() && !parked.ended) break;
    }
    const auto wake = parked.connection->parking.source->wake_at();
    // A source that is due already is asked again soon, but not for ever in one go.
    set_timer(token, parked, wake.is_never() ? wake : std::max(wake, Deadline::after(kShortest)));
}

// What a source throws cuts its client, who must not take a part for the whole.
std::optional<Source::Piece> Pusher::next_piece(Source& source) {
    try {
        return source.next();
    } catch (const std::exception& failure) {
        context_.log.error("a parked reply failed", {{"what", failure.what()}});
    } catch (...) {
        context_.log.error("a parked reply failed");
    }
    return std::nullopt;
}

// Gathers pieces in `pending`; false = the source failed.
bool Pusher::pull(Parked& parked) {
    const auto& parking = parked.connection->parking;
    while (!parked.ended && parked.pending.size() < kPendingBytesMax) {
        const auto next = next_piece(*parking.source);
        if (!next) return false;
        const auto& piece = *next;
        parked.ended = piece.end;
        if (piece.bytes.empty()) break;
        parked.body_bytes += piece.bytes.size();
        if (parking.chunked) parked.pending.append(chunk_line(piece.bytes.size()));
        parked.pending.append(piece.bytes);
        if (parking.chunked) parked.pending.append("\r\n");
    }
    if (parked.ended && parking.chunked) parked.pending.append(kLastChunk);
    return true;
}

// true: nothing is pending. false: the socket is full, or the connection was dropped.
bool Pusher::flush(Token token, Parked& parked) {
    while (!parked.pending.empty()) {
        const auto sent = ::send(parked.connection->socket.get(), parked.pending.data(),
                                 parked.pending.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) {
            drop(token, After::close);
            return false;
        }
        if (sent < 0) {
            wait_for_room(token, parked, true);
            return false;
        }
        parked.pending.erase(0, static_cast<std::size_t>(sent));
    }
    wait_for_room(token, parked, false);
    return true;
}

void Pusher::wait_for_room(Token token, Parked& parked, bool full) {
    if (full) set_timer(token, parked, Deadline::after(context_.options.idle_timeout));
    if (parked.full == full) return;
    parked.full = full;
    const std::uint32_t events = full ? EPOLLRDHUP | EPOLLOUT : EPOLLRDHUP;
    control(epoll_.get(), EPOLL_CTL_MOD, parked.connection->socket.get(), events, token);
}

void Pusher::set_timer(Token token, Parked& parked, Deadline when) {
    if (!parked.wake.is_never()) timers_.erase({parked.wake, token});
    parked.wake = when;
    if (!when.is_never()) timers_.insert({when, token});
}

void Pusher::drop(Token token, After after) {
    const auto found = parked_.find(token);
    auto& parked = found->second;
    auto& connection = *parked.connection;
    set_timer(token, parked, Deadline::never());
    control(epoll_.get(), EPOLL_CTL_DEL, connection.socket.get(), 0, token);
    const auto parking = std::exchange(connection.parking, {});
    context_.handlers.answered({.head = connection.head,
                                .client = parking.client,
                                .request_id = parking.request_id,
                                .status = parking.status,
                                .body_bytes = parked.body_bytes,
                                .took = base::elapsed_since(parking.begun)});
    context_.tally.parked.fetch_sub(1, std::memory_order_relaxed);
    parked_.erase(found);
    connection.home->give_back(connection, after);
}

}  // namespace espalier::http
