// An Exchange is what a Transfer handle and the engine's loop share: the request, how far it
// has come, and the rules by which bytes move between it and its Pipes. It knows nothing of
// curl; the loop calls it with what curl reports.
//
// Threads: the first section from any, everything else from the engine's. It lives as long as
// the handle, the loop, or a letter in the inbox needs it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "engine/response_head.h"
#include "engine/transfer.h"

struct sockaddr;

namespace espalier::engine {

class Easy;
class Inbox;
class Loop;
struct Group;

class Exchange final : public PipeWatcher, public std::enable_shared_from_this<Exchange> {
public:
    using Touched = std::vector<std::shared_ptr<Exchange>>;
    enum class Step : std::uint8_t { go_on, pause, stop };
    struct Given {
        std::size_t bytes = 0;
        Step step = Step::go_on;
    };
    struct Speed {  // bytes a second; 0: no limit
        std::uint64_t up = 0, down = 0;
        bool limited() const { return up != 0 || down != 0; }
    };
    struct Pauses {
        bool send = false;     // the upload's Pipe is empty
        bool receive = false;  // the download's Pipe is full
    };
    // What the loop notes down about an Exchange that is under way.
    struct Desk {
        std::unique_ptr<Easy> easy;  // null: not under way
        Loop* loop = nullptr;
        std::size_t index = 0;   // among those under way
        Group* group = nullptr;  // whose curl handle it is in
        int upload_socket = -1;
        base::Steady::time_point due;            // when the watchdog looks again
        base::Steady::time_point last_progress;  // as the watchdog saw it
        std::uint64_t bytes_moved = 0;           // likewise
        bool last_grace = false;                 // delivered; ended when due, if need be
        bool waiting = false;                    // in its lane, not begun yet
        bool resolving = false;                  // the host's name
        Speed speed = {};
    };

    Exchange(TransferRequest request, std::shared_ptr<base::Bell> bell,
             std::shared_ptr<Inbox> inbox);
    ~Exchange() override;

    TransferState state() const;
    bool decided() const { return decided_.load(std::memory_order_acquire); }
    bool over() const { return over_.load(std::memory_order_acquire); }
    void cancel();
    void pipe_moved() override;
    // Hands it to the loop; false when the loop takes no more.
    bool post();

    // --- The loop: beginning and ending.

    // `touched` collects the Exchanges whose owners are to hear of something.
    void begin(Touched& touched);
    // Requires: called before what was posted is looked at, so that no later post is lost.
    void letter_read() { posted_.store(false); }
    // Why it must be cut now, if it must: cancelled, or a Pipe was given up.
    std::optional<base::Error> reason_to_cut() const;
    // The upstream's answer is in and leaves nothing to do, or can never become whole.
    bool wants_end();
    // What the owner is told, given what the network said; completes an answer that counts.
    std::optional<base::Error> verdict(std::optional<base::Error> raw);
    void finish(std::optional<base::Error> error);
    // Rings for what happened since begin() or the last time.
    void ring();

    bool redirecting() const { return redirecting_; }
    // Aims at the redirect's target; the headers that were meant for the old host are dropped.
    base::Result<void> follow();

    // --- The loop: what curl reports.

    // The name that is resolved for it.
    std::string name_to_resolve() const;
    // False: must not connect there.
    bool allows_connect(const sockaddr& address);
    // This process may open no more sockets: our fault, not the upstream's.
    void no_descriptor_left();
    // The request is about to be sent over a connection to this address; false: must not.
    bool allows_request(const std::string& address);
    // Whether the connection is read from; its being closed ends that, too.
    void receiving(bool on);
    void connection_closed() { performing_ = false; }
    // False: stop.
    bool take_head_line(std::string_view line);
    Step take_body(std::span<const std::byte> bytes);
    Given give_body(std::span<std::byte> out);
    // Raw bytes that were left in the socket of a connection that broke while we sent.
    void salvage(std::string_view bytes);
    // Takes back the pauses whose reason is gone; true when there was one.
    bool lift_pauses();

    const TransferRequest& request() const { return request_; }
    const Url& url() const { return request_.url; }
    // Whom errors name: the host that was asked first. Where it sent us to is its own business,
    // and may be an address that nobody else shall hear of.
    const std::string& upstream() const { return upstream_; }
    bool answers_head() const { return request_.method == "HEAD"; }
    bool has_upload() const { return request_.upload && request_.upload_bytes.value_or(0) > 0; }
    bool complete() const { return complete_; }
    bool began() const { return began_; }
    bool head_started() const { return head_.started(); }
    Pauses pauses() const { return pauses_; }
    std::uint64_t bytes_received() const { return received_.load(std::memory_order_relaxed); }
    void set_bytes_sent(std::uint64_t bytes) { sent_.store(bytes, std::memory_order_relaxed); }

    Desk desk;

private:
    bool head_done();
    bool is_redirect() const;
    bool body_unsent() const;
    Step keep(std::span<const std::byte> bytes);
    Step pass_on(std::span<const std::byte> bytes);
    Step give_up(base::ErrorKind kind, std::string reason);
    std::string not_public() const;
    Given nothing_to_give(Pipe::End end);
    void mark_complete();
    void touch();
    base::Milliseconds elapsed() const;

    // Constant after construction, but for the target: follow() moves on.
    TransferRequest request_;
    const std::shared_ptr<base::Bell> bell_;
    const std::shared_ptr<Inbox> inbox_;
    const std::string upstream_;
    const base::Steady::time_point started_ = base::Steady::now();

    // Any thread.
    std::atomic<bool> posted_{false}, cancelled_{false}, decided_{false}, over_{false};
    std::atomic<std::uint64_t> sent_{0}, received_{0};

    // The engine's.
    Touched* touched_ = nullptr;
    ResponseHead head_;
    std::optional<std::uint64_t> expected_;  // the body's length, once known
    std::string body_;
    std::optional<base::Error> failure_;  // found by us, before curl can tell
    Pauses pauses_;
    std::size_t already_taken_ = 0;  // from the front of the piece that curl will give again
    std::size_t discarded_ = 0;      // bytes of a redirect's body
    // What breaking the guard is: the client's fault, or that of an upstream that redirects.
    base::ErrorKind guard_fault_ = base::ErrorKind::forbidden;
    bool from_public_ = false;  // the host that answered last is on the public internet
    int hops_ = 0, requests_begun_ = 0;
    bool began_ = false;       // the request, or some of it, may have been sent
    bool performing_ = false;  // it is being sent or answered over a live connection
    bool receiving_ = false, complete_ = false, redirecting_ = false;
    bool is_touched_ = false, tell_writer_ = false, tell_reader_ = false;

    base::Guarded<TransferState> shared_;
};

}  // namespace espalier::engine
