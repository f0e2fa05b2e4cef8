#include "support/changes.h"

#include <algorithm>

namespace espalier::test {

void Changes::announce() {
    const std::lock_guard lock(mutex_);
    ++version_;
    changed_.notify_all();
}

std::uint64_t Changes::version() {
    const std::lock_guard lock(mutex_);
    return version_;
}

void Changes::wait_past(std::uint64_t version, base::Deadline deadline) {
    constexpr base::Milliseconds kNowAndThen{50};
    const auto until = std::min(deadline.when(), base::Steady::now() + kNowAndThen);
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return version_ != version; });
}

bool Changes::wait_for(const std::function<bool()>& holds, base::Milliseconds patience) {
    const auto deadline = base::Deadline::after(patience);
    for (;;) {
        const auto seen = version();
        if (holds()) return true;
        if (deadline.passed()) return false;
        wait_past(seen, deadline);
    }
}

}  // namespace espalier::test
