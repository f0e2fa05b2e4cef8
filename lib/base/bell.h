// A Bell tells one waiting thread "look again". It carries no data: the waiter reads the
// state it cares about after every ring. Rings that come before the wait are not lost;
// many rings in a row are one.
//
// A Bell of its own has an eventfd, so that it can be waited for beside a socket.
// A Bell on a BellBoard has none: the board's owner waits for all of its Bells at once and
// is told which ones rang, by their tokens.
//
// Threads: ring() from any; wait(), fd(), clear() and the board's wait() from the waiter.
// Lifetime: a Bell may outlive its board; ringing it is then harmless.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/guarded.h"

namespace espalier::base {

class BellBoard;

class Bell {
public:
    Bell();
    // A Bell on `board`; wait() and fd() are the board's, not this Bell's.
    Bell(const BellBoard& board, std::uint64_t token);
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;

    void ring() noexcept;
    // Waits until rung or until the deadline; true = rung (and cleared).
    bool wait(Deadline deadline);
    // Becomes readable when rung. Requires: not on a board.
    int fd() const { return event_.get(); }
    // Forgets the rings so far; true = there was one. Call before reading the state.
    bool clear() noexcept;

private:
    friend class BellBoard;
    struct Board;

    Fd event_;
    std::shared_ptr<Board> board_;
    std::uint64_t token_ = 0;
    std::atomic<bool> rung_{false};
};

// Many Bells, one waiter.
class BellBoard {
public:
    BellBoard();
    ~BellBoard();
    BellBoard(const BellBoard&) = delete;
    BellBoard& operator=(const BellBoard&) = delete;

    // Waits until a Bell rings or until the deadline; the tokens of all that rang since the
    // last call, in order, a token once per ring that was not yet heard.
    // A Bell must be clear()ed by whoever reacts to its token, before it reads the state.
    std::vector<std::uint64_t> wait(Deadline deadline);
    // For owners who wait for fd() in an epoll of their own: the tokens that rang, at once, and
    // fd() is not readable any more until the next ring.
    std::vector<std::uint64_t> take();
    int fd() const;

private:
    friend class Bell;
    std::shared_ptr<Bell::Board> board_;
};

}  // namespace espalier::base
