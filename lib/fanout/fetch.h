// A Fetch reads one blob from the servers that have it, for one client.
//
// A whole blob is hashed on its way, and its end is held back until the digest agrees with its
// name: of blobs up to `verify_first_bytes` nothing is given before, of longer ones all but the
// last `hold_back_bytes`. So a reader never gets a complete wrong blob. A part of a blob (a range)
// cannot be checked.
//
// Where a server fails, the next one goes on at the same byte, and the digest with it. A server
// that sends something else than it should is at fault, and passed over.
//
// Threads: one worker. Destroying it ends the exchange. Limits: a Pipe of bytes in memory, and
// what is held back.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "base/slice.h"
#include "fanout/network.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

struct FetchPlan {
    // Bytes [first, end) of the blob.
    struct Part {
        std::uint64_t first = 0;
        std::uint64_t end = 0;
    };
    protocol::BlobHash hash;
    std::vector<fleet::UpstreamId> origins;  // the best first
    std::optional<std::uint64_t> size;       // as a server stated; required for a part
    std::optional<Part> part;                // nothing: the whole
    std::uint64_t verify_first_bytes = 256ULL * 1024;
    std::uint64_t hold_back_bytes = 64ULL * 1024;
    base::Milliseconds stall_timeout{30'000};
    // Asked now and then while the servers are silent.
    std::function<bool()> reader_gone = [] { return false; };
};

class Fetch {
public:
    Fetch(Network network, FetchPlan plan);
    ~Fetch();
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;

    // Waits for the first bytes, or the end; what follows is known then. Errors: those of next().
    base::Result<void> open();
    // Of the whole blob; nothing when no server says.
    std::optional<std::uint64_t> size() const { return size_; }
    const std::string& type() const { return type_; }  // clean_mime()
    fleet::UpstreamId server() const { return server_; }

    // The next bytes, empty at the end. Errors: missing (every server lacks it), timeout (all that
    // failed did so), upstream; reset, when the reader has gone.
    base::Result<base::Slice> next();

    // What each server came to that did not do what it should.
    const std::vector<fleet::Outcome>& failures() const { return failures_; }
    // How often another server had to go on, and how often the digest did not agree.
    std::uint64_t failovers() const { return failovers_; }
    std::uint64_t mismatches() const { return mismatches_; }

private:
    struct Answer {
        bool head_read = false;
        std::uint64_t begun_at = 0;        // of the blob
        std::uint64_t to_skip = 0;         // bytes that were not asked for
        std::optional<std::uint64_t> end;  // of the blob, where this answer ends
        bool too_long = false;             // it goes on behind the blob's end
    };

    bool begin_with_next();
    void begin();
    // Takes in what has come; false at the body's end.
    base::Result<bool> pull();
    base::Slice read_piece();
    // What is wrong with the answer's head; "" nothing.
    std::string read_head(const engine::Response& response);
    std::string read_length(const engine::Response& response);
    bool may_believe(std::uint64_t size);
    void take_in(base::Slice slice);
    // The answer has ended as it should; whether the body has, too.
    bool answer_is_all();
    base::Result<bool> body_ended();
    bool has_all() const { return end_ && at_ == *end_; }
    void fail(std::string why);
    void end_exchange(const fleet::Outcome& outcome);
    bool may_give() const;
    void start_over();
    base::Error error() const;

    Network network_;
    const FetchPlan plan_;
    const std::shared_ptr<base::Bell> bell_ = std::make_shared<base::Bell>();
    std::deque<fleet::UpstreamId> origins_;  // still to be asked
    std::size_t tries_left_;
    std::optional<std::uint64_t> size_, end_;  // end_: where the body ends, in the blob
    std::optional<std::uint64_t> other_size_;  // what a server said that did not agree with size_
    std::string type_;
    fleet::UpstreamId server_ = 0;
    std::shared_ptr<engine::Pipe> pipe_;
    engine::Transfer transfer_;
    Answer answer_;
    std::uint64_t at_;  // the next byte of the blob that is wanted
    base::Sha256 digest_;
    fleet::UpstreamSet contributors_;
    std::deque<base::Slice> held_;
    std::uint64_t held_bytes_ = 0;
    bool given_any_ = false;
    bool complete_ = false;
    std::optional<base::Slice> first_;  // read by open()
    std::vector<fleet::Outcome> failures_;
    std::uint64_t failovers_ = 0, mismatches_ = 0;
};

}  // namespace espalier::fanout
