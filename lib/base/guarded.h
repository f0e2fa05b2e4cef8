// Guarded<T> is a value that can only be touched while its lock is held.
//
// Law: a thread holds at most one Guarded at a time, and never across I/O or a callback;
// so there is no lock order to get wrong.
//
// Threads: any.
#pragma once

#include <mutex>
#include <utility>

namespace espalier::base {

template <class T>
class Guarded {
public:
    Guarded() = default;
    explicit Guarded(T value) : value_(std::move(value)) {}
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    // Runs `use(value)` under the lock and returns what it returns, by value.
    template <class Use>
    auto with(Use&& use) {
        const std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(value_);
    }

    template <class Use>
    auto with(Use&& use) const {
        const std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(value_);
    }

private:
    mutable std::mutex mutex_;
    T value_{};
};

}  // namespace espalier::base
