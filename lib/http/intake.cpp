// The reactor's handling of requests: from bytes to an answer, a worker, or a refusal.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "http/at_once.h"
#include "http/reactor.h"

namespace espalier::http {
namespace {

// Answers to pipelined requests that are gathered before they are sent.
constexpr std::size_t kOutBytesMax = 65'536;
constexpr std::size_t kReadBytesMax = 65'536;

}  // namespace

void Reactor::readable(Connection& connection) {
    const auto begun = connection.in.view();
    const auto kept = begun.size();
    ESPALIER_CHECK(kept + kReadBytesMax / 2 <= input_.size());
    std::memcpy(input_.data(), begun.data(), kept);
    const auto room = std::min(kReadBytesMax, input_.size() - kept);
    const auto got = ::recv(connection.socket.get(), input_.data() + kept, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(connection);
    connection.in.clear();
    consume(connection, {input_.data(), kept + static_cast<std::size_t>(got)}, kept);
}

void Reactor::writable(Connection& connection) {
    if (!flush(connection)) {
        if (connection.out.empty()) close(connection);
        return;
    }
    std::string().swap(connection.out);
    if (connection.closing) return finish(connection);
    watch(connection, EPOLLIN);
    resume(connection);
}

// Goes on with bytes that had to wait.
void Reactor::resume(Connection& connection) {
    const auto waiting = connection.in.view();
    ESPALIER_CHECK(waiting.size() <= input_.size());
    std::memcpy(input_.data(), waiting.data(), waiting.size());
    const std::string_view input(input_.data(), waiting.size());
    connection.in.clear();
    consume(connection, input, 0);
}

// Requires: nothing waits in the connection's `out`. `input` is all there is, in `input_`.
void Reactor::consume(Connection& connection, std::string_view input, std::size_t seen) {
    out_.clear();
    bool begun_before = seen > 0;
    while (!input.empty() && !connection.closing) {
        const auto outcome = read_head(input, seen, head_);
        if (outcome.kind == HeadOutcome::Kind::incomplete) break;
        if (outcome.kind == HeadOutcome::Kind::refused) {
            count(context_.tally.refused_heads);
            return refuse(connection, outcome.refusal);
        }
        seen = 0;
        begun_before = false;
        const auto step = serve(connection, input, outcome.bytes);
        if (step == Step::taken) return;
        if (step == Step::blocked) break;
        input.remove_prefix(outcome.bytes);
    }
    settle(connection, input, begun_before);
}

Reactor::Step Reactor::serve(Connection& connection, std::string_view input,
                             std::size_t head_bytes) {
    if (out_.size() > kOutBytesMax && !send_out(connection)) return Step::blocked;
    const bool keep = head_.keep_alive && !retired_;
    if (answer_at_once(context_, envelope_, connection, head_, keep, out_)) {
        connection.closing = !keep;
        return Step::answered;
    }
    if (!send_out(connection)) return Step::blocked;
    return lend(connection, input, head_bytes);
}

Reactor::Step Reactor::lend(Connection& connection, std::string_view input,
                            std::size_t head_bytes) {
    count(context_.tally.requests);
    if (head_.content_length.value_or(0) > context_.handlers.body_bytes_max(head_)) {
        refuse(connection, kBodyTooLarge);
        return Step::taken;
    }
    const Lane lane = context_.handlers.lane(head_);
    connection.head_bytes.assign(input.substr(0, head_bytes));
    connection.in.assign(input.substr(head_bytes));
    connection.state = Connection::State::lent;
    if (dispatcher_.submit(connection, lane)) return Step::taken;
    connection.state = Connection::State::reading;
    connection.in.clear();
    count(context_.tally.overloaded);
    if (head_.has_body()) {
        refuse(connection, kOverloaded);
        return Step::taken;
    }
    connection.closing = !head_.keep_alive || retired_;
    answer(connection, kOverloaded, persistence_of(head_, !connection.closing));
    return Step::answered;
}

void Reactor::answer(Connection& connection, const Refusal& refusal, Persistence persistence) {
    InstantReply reply(out_, &envelope_, persistence);
    write_refusal(reply, refusal, head_.method == "HEAD");
    context_.handlers.answered({.head = head_,
                                .client = connection.peer,
                                .request_id = envelope_.last_id(),
                                .status = reply.status(),
                                .body_bytes = reply.body_bytes()});
}

// Answers, and reads nothing more from this client.
void Reactor::refuse(Connection& connection, const Refusal& refusal) {
    answer(connection, refusal, Persistence::close);
    connection.closing = connection.lingers = true;
    settle(connection, {}, false);
}

// Sends the answers and keeps the rest of the input for later.
void Reactor::settle(Connection& connection, std::string_view rest, bool begun_before) {
    // An empty line before a request is forgiven, so that it does not begin one.
    if (rest == "\r\n") rest = {};
    if (!rest.empty()) connection.in.assign(rest);
    if (!begun_before || rest.empty()) connection.since = now_;
    send_out(connection);
    if (!connection.out.empty()) return watch(connection, EPOLLOUT);
    if (connection.closing) return finish(connection);
    watch(connection, EPOLLIN);
}

// false: the socket took only a part and the rest waits in `out`; or the client has gone, and
// the connection is closing.
bool Reactor::send_out(Connection& connection) {
    if (out_.empty()) return true;
    connection.out.swap(out_);
    out_.clear();
    const bool all = flush(connection);
    if (all) connection.out.swap(out_);
    return all;
}

bool Reactor::flush(Connection& connection) {
    auto& out = connection.out;
    const auto sent = ::send(connection.socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<std::size_t>(sent) == out.size()) {
        out.clear();
        return true;
    }
    if (sent >= 0) {
        connection.since = now_;
        out.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
        connection.closing = true;
        out.clear();
    }
    return false;
}

// The last answer is out.
void Reactor::finish(Connection& connection) {
    if (connection.lingers || !connection.in.empty()) return drain_first(connection);
    close(connection);
}

}  // namespace espalier::http
