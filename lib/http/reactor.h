// A Reactor accepts connections, reads and checks request heads, answers what needs no waiting
// and lends everything else to the workers. It never waits for anything but its epoll.
//
// Interest is level-triggered and changed lazily: a lent connection stays registered until
// bytes come that only the worker may read.
//
// Threads: one of its own, from start() to join(); give_back(), adopt() and the orders to stop
// come from any.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/bell.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "http/connection.h"
#include "http/context.h"

namespace espalier::http {

// What a reactor needs of the rest of the Server.
class Dispatcher {
public:
    virtual ~Dispatcher() = default;
    // A worker will serve this request and give the connection back; false = overloaded.
    virtual bool submit(Connection& connection, Lane lane) = 0;
    // Which reactor a new connection should live on.
    virtual Reactor& home_for_next(Reactor& accepted_by) = 0;
};

class Reactor {
public:
    Reactor(Context& context, Dispatcher& dispatcher);
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    // Requires: before start(). The sockets are non-blocking and outlive the reactor's thread.
    void listen_on(std::span<const base::Fd> sockets);
    void start(const std::string& thread_name);

    void give_back(Connection& connection, After after);
    void adopt(std::unique_ptr<Connection> connection);
    std::size_t connections() const { return load_.load(std::memory_order_relaxed); }

    // Stops accepting and closes what is idle.
    void retire();
    // Shuts the sockets that are lent, so that whoever waits on one of them returns.
    void cut();
    // Ends the thread and closes everything, answers on their way and lingering closes by the
    // deadline at the latest. Requires: nothing is lent any more.
    void join(base::Deadline patience);

private:
    enum class Order : std::uint8_t { returned, adopted, retire, cut, end };
    struct Letter {
        Order order;
        After after = After::close;
        Connection* returned = nullptr;
        std::unique_ptr<Connection> adopted;
        base::Deadline patience = base::Deadline::never();
    };
    enum class Step : std::uint8_t { answered, taken, blocked };

    // The loop (reactor.cpp).
    void run();
    int patience() const;
    bool may_end() const;
    void tick();
    void on_event(void* what, std::uint32_t events);
    void post(Letter letter);
    void read_letters();
    void follow(Letter& letter);
    void sweep();
    void sweep_one(Connection& connection);

    // Connections (reactor.cpp).
    void accept_from(int listener);
    void refuse_connection(base::Fd socket);
    void shed_one(int listener);
    void insert(std::unique_ptr<Connection> connection);
    void close(Connection& connection);
    void watch(Connection& connection, std::uint32_t events);
    void take_back(Connection& connection, After after);
    static void shrink(Connection& connection);
    void drain_first(Connection& connection);
    void drain(Connection& connection);

    // Requests (intake.cpp).
    void readable(Connection& connection);
    void writable(Connection& connection);
    void resume(Connection& connection);
    void consume(Connection& connection, std::string_view input, std::size_t seen);
    Step serve(Connection& connection, std::string_view input, std::size_t head_bytes);
    Step lend(Connection& connection, std::string_view input, std::size_t head_bytes);
    void answer(Connection& connection, const Refusal& refusal, Persistence persistence);
    void refuse(Connection& connection, const Refusal& refusal);
    void settle(Connection& connection, std::string_view rest, bool begun_before);
    bool send_out(Connection& connection);
    bool flush(Connection& connection);
    void finish(Connection& connection);

    Context& context_;
    Dispatcher& dispatcher_;
    base::Fd epoll_;
    base::Bell bell_;
    base::Guarded<std::vector<Letter>> letters_;
    std::atomic<std::size_t> load_{0};
    std::jthread thread_;

    // The reactor thread's.
    std::vector<int> listeners_;
    std::vector<std::unique_ptr<Connection>> table_;
    RequestIds ids_;
    Envelope envelope_;
    Head head_;
    std::string out_;          // answers to what is being consumed
    std::vector<char> input_;  // what is being consumed
    base::Fd spare_;           // given up to accept and refuse when descriptors run out
    base::Steady::time_point now_;
    base::Steady::time_point next_sweep_;
    bool has_post_ = false;  // the Bell rang in this batch
    bool retired_ = false;
    std::optional<base::Deadline> ends_by_;  // nothing more comes; the rest may still be sent
};

}  // namespace espalier::http
