// The Loop is the engine's thread: it owns the curl multi handle, every easy handle in it, the
// epoll set and the watchdog's agenda. A turn of the loop reads the inbox, lets curl act on
// what the sockets say, ends what has ended and, last of all, rings: at most once per Exchange.
//
// A transfer stalls when no byte moved either way for its stall_timeout while it was not our
// own Pipe that held it up; it is found out within a quarter more than that. Who has all of an
// upload gets longer, a second for each 8 MiB. curl's own speed limits are not used: they would
// count an upload that we have paused as stalled.
//
// Threads: post(), shut_down() and snapshot() from any, the rest from its own.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/agenda.h"
#include "engine/dark_names.h"
#include "engine/engine.h"
#include "engine/inbox.h"
#include "engine/interest.h"
#include "engine/lanes.h"

namespace espalier::engine {

class Easy;

// Hosts are spread over several multi handles, because whenever a transfer ends curl looks
// through all connections of its handle: thousands to one host shall not slow the others.
struct Group {
    Loop* loop = nullptr;
    void* multi = nullptr;  // a CURLM*, which is a void* by definition
    base::Deadline timer = base::Deadline::never();
    std::size_t transfers = 0;
    std::size_t connections_max = 0;  // as curl has been told
};

class Loop {
public:
    explicit Loop(const Engine::Options& options);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    const std::shared_ptr<Inbox>& inbox() const { return inbox_; }
    void shut_down() { inbox_->close(); }
    Engine::Snapshot snapshot() const;

    // What curl reports; from within its calls.
    bool may_resolve(Exchange& exchange);
    void resolved(Exchange& exchange);
    void socket_opened(int fd);
    void socket_closing(int fd);
    // `exchange` may be null; `events` as epoll's, 0 = none; `gone`: curl forgets the socket, but
    // may keep it open.
    void socket_wanted(Group& group, Exchange* exchange, int fd, std::uint32_t events, bool gone);
    // Milliseconds from now; -1 = never.
    void timer_wanted(Group& group, long timeout) const;

private:
    static constexpr std::size_t kGroups = 16;
    struct Socket {
        Group* group = nullptr;
        bool is_connection = false;  // else the resolver's
    };
    void run();
    void open(Group& group);
    void turn();
    void check_thread() const;
    void read_inbox();
    void read_letter(Exchange& exchange);
    base::Deadline patience();
    void act_on_sockets(std::span<const epoll_event> events);
    void act_on_socket(int fd, std::uint32_t events);
    void act_on_timers();
    void reap();
    void settle(Exchange& exchange, int curl_code);
    void look_at_touched();
    void ring();

    void begin(const std::shared_ptr<Exchange>& exchange);
    void launch(const std::shared_ptr<Exchange>& exchange);
    void refuse(Exchange& exchange, base::Error error);
    base::Error too_many_already(const Exchange& exchange);
    void start_hop(Exchange& exchange);
    void leave_group(Exchange& exchange);
    void make_room(Group& group) const;
    void cut(Exchange& exchange, base::Error error);
    void end(Exchange& exchange, std::optional<base::Error> error);
    void end_all();
    void give_back(std::unique_ptr<Easy> easy);

    static void join_rates(Exchange& exchange);
    static void leave_rates(Exchange& exchange);
    static void share_out(const Exchange& exchange);

    void watch(Exchange& exchange);
    void look_at_due();
    void look_at(Exchange& exchange);
    base::Milliseconds patience_with(const Exchange& exchange) const;
    bool has_moved(Exchange& exchange) const;

    const Engine::Options options_;
    const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();

    // The loop's thread.
    std::thread::id owner_;
    std::array<Group, kGroups> groups_;
    Interest interest_;
    Agenda<Exchange> agenda_;
    Lanes lanes_;
    DarkNames dark_names_;
    Inbox::Letters letters_;
    std::vector<std::shared_ptr<Exchange>> under_way_;
    std::vector<std::shared_ptr<Exchange>> touched_;
    std::vector<std::unique_ptr<Easy>> idle_;
    std::vector<Socket> sockets_;                      // by descriptor
    std::unordered_map<int, Exchange*> sending_over_;  // by descriptor: whose upload
    base::Steady::time_point now_;

    // Any thread.
    std::atomic<std::size_t> transfers_{0}, waiting_{0};
    std::atomic<std::uint64_t> begun_{0}, finished_{0}, turned_away_{0}, connections_opened_{0};

    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace espalier::engine
