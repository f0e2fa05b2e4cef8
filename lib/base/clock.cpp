#include "base/clock.h"

#include <algorithm>

namespace espalier::base {

std::int64_t SystemClock::unix_now() const {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<Seconds>(since).count();
}

Milliseconds Deadline::remaining(Steady::time_point now) const {
    if (is_never()) return Milliseconds::max();
    if (now >= when_) return Milliseconds{0};
    return std::chrono::ceil<Milliseconds>(when_ - now);
}

int Deadline::poll_timeout() const {
    if (is_never()) return -1;
    constexpr auto kLongest = Milliseconds{std::chrono::hours{1}};
    return static_cast<int>(std::min(remaining(), kLongest).count());
}

}  // namespace espalier::base
