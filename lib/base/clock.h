// Time, passed in: decisions take a Clock or a time point, so that tests own the time.
//
// A Deadline is an absolute end of patience on the steady clock. Functions that may wait
// take a Deadline, never a duration, so that patience is not restarted on the way down.
#pragma once

#include <chrono>
#include <cstdint>

namespace espalier::base {

using Steady = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

class Clock {
public:
    virtual ~Clock() = default;
    virtual Steady::time_point now() const = 0;
    // Seconds since 1970-01-01 UTC.
    virtual std::int64_t unix_now() const = 0;
};

class SystemClock : public Clock {
public:
    Steady::time_point now() const override { return Steady::now(); }
    std::int64_t unix_now() const override;
};

// How long ago that was, in whole milliseconds.
inline Milliseconds elapsed_since(Steady::time_point begun) {
    return std::chrono::duration_cast<Milliseconds>(Steady::now() - begun);
}

class Deadline {
public:
    static Deadline never() { return Deadline(Steady::time_point::max()); }
    static Deadline at(Steady::time_point when) { return Deadline(when); }
    static Deadline after(Milliseconds patience) { return Deadline(Steady::now() + patience); }

    Steady::time_point when() const { return when_; }
    bool is_never() const { return when_ == Steady::time_point::max(); }
    bool passed(Steady::time_point now = Steady::now()) const { return now >= when_; }
    // Never negative; rounded up, so that waiting this long really reaches the deadline.
    Milliseconds remaining(Steady::time_point now = Steady::now()) const;
    // For poll(2) and epoll_wait(2): -1 = for ever, at most one hour.
    int poll_timeout() const;

    friend auto operator<=>(const Deadline&, const Deadline&) = default;

private:
    explicit Deadline(Steady::time_point when) : when_(when) {}
    Steady::time_point when_;
};

}  // namespace espalier::base
