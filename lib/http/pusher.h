// The Pusher keeps connections whose reply comes piece by piece from a Source: none of them
// holds a worker. It notices when a client has gone.
//
// A client that shuts down its sending side is taken to have gone: that is all that a browser
// that closes an event stream shows.
//
// Threads: one of its own, from start() to stop(); park() from any.
#pragma once

#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bell.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "http/connection.h"
#include "http/context.h"

namespace espalier::http {

class Pusher {
public:
    explicit Pusher(Context& context);
    ~Pusher() { stop(); }
    Pusher(const Pusher&) = delete;
    Pusher& operator=(const Pusher&) = delete;

    void start();
    // Takes a lent connection whose `parking` is set and gives it back to its reactor when the
    // source has ended, or the client has gone, or the pusher stops.
    void park(Connection& connection);
    // Cuts what is parked and ends the thread; what is parked later is closed at once.
    void stop();

private:
    struct Parked {
        Connection* connection = nullptr;
        std::shared_ptr<base::Bell> bell;
        std::string pending;  // framed, what the socket would not take yet
        bool ended = false;   // the source has nothing more
        bool full = false;    // waiting for room in the socket
        std::uint64_t body_bytes = 0;
        base::Deadline wake = base::Deadline::never();
    };
    struct Inbox {
        std::vector<Connection*> arrivals;
        bool closed = false;
    };
    using Token = std::uint64_t;

    void run();
    void take_in();
    void answer_bells();
    void answer_timers();
    void on_event(Token token, std::uint32_t events);
    void go_on(Token token, Parked& parked);
    std::optional<Source::Piece> next_piece(Source& source);
    bool pull(Parked& parked);
    bool flush(Token token, Parked& parked);
    void wait_for_room(Token token, Parked& parked, bool full);
    void set_timer(Token token, Parked& parked, base::Deadline when);
    void drop(Token token, After after);

    Context& context_;
    base::Fd epoll_;
    base::Bell bell_;
    base::BellBoard board_;
    base::Guarded<Inbox> inbox_;
    std::jthread thread_;

    // The pusher thread's.
    std::unordered_map<Token, Parked> parked_;
    std::set<std::pair<base::Deadline, Token>> timers_;
    Token next_token_ = 2;  // after those of the Bell and the board
    bool stopping_ = false;
};

}  // namespace espalier::http
