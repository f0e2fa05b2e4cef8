// A Budget is an amount of something (bytes, slots) that many may draw from.
//
// A Lease is what one of them holds; it gives back what it holds when it dies.
//
// Threads: any; one Lease is used by one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace espalier::base {

class Budget {
public:
    explicit Budget(std::uint64_t limit) : limit_(limit) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    // Takes `amount` if it fits; false and nothing taken otherwise.
    bool take(std::uint64_t amount) {
        auto used = used_.load(std::memory_order_relaxed);
        do {
            if (amount > limit_ || used > limit_ - amount) return false;
        } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
        drawn_.fetch_add(amount, std::memory_order_relaxed);
        return true;
    }
    void give_back(std::uint64_t amount) { used_.fetch_sub(amount, std::memory_order_relaxed); }

    std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
    std::uint64_t limit() const { return limit_; }
    // Everything ever taken.
    std::uint64_t drawn() const { return drawn_.load(std::memory_order_relaxed); }

private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> drawn_{0};
};

class Lease {
public:
    Lease() = default;
    explicit Lease(Budget& budget) : budget_(&budget) {}
    Lease(Lease&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), held_(std::exchange(other.held_, 0)) {}
    Lease& operator=(Lease&& other) noexcept {
        std::swap(budget_, other.budget_);
        std::swap(held_, other.held_);
        return *this;
    }
    ~Lease() { give_back(held_); }

    // Takes `amount` more; false if the budget is used up. Requires: made with a budget.
    bool take(std::uint64_t amount) {
        if (!budget_->take(amount)) return false;
        held_ += amount;
        return true;
    }
    void give_back(std::uint64_t amount) {
        if (budget_ != nullptr) budget_->give_back(amount);
        held_ -= amount;
    }
    std::uint64_t held() const { return held_; }

private:
    Budget* budget_ = nullptr;
    std::uint64_t held_ = 0;
};

}  // namespace espalier::base
