// The Inbox is how other threads reach the engine's loop: they leave an Exchange that needs
// looking at, and the loop, if it sleeps, is woken by an eventfd. While it is awake a post
// costs no system call.
//
// Threads: post() and close() from any; the rest from the loop. It may outlive the loop.
#pragma once

#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/guarded.h"

namespace espalier::engine {

class Exchange;

class Inbox {
public:
    using Letters = std::vector<std::shared_ptr<Exchange>>;

    Inbox();

    // False, and nothing kept, when closed.
    bool post(std::shared_ptr<Exchange> exchange);
    // Refuses further letters; the loop is woken.
    void close();

    // What was posted since the last call, swapped into `letters`, which must be empty. The
    // loop counts as awake from here on.
    void take(Letters& letters);
    bool is_closed() const;
    // True when the loop may sleep until fd() is readable: nothing is waiting here.
    bool may_sleep();
    int fd() const { return event_.get(); }
    void drain() const;

private:
    struct State {
        Letters letters;
        bool sleeping = false;
        bool closed = false;
    };
    void signal() const;

    base::Fd event_;
    base::Guarded<State> state_;
};

}  // namespace espalier::engine
