// RecentlyGiven remembers for ten seconds which replica a client was sent to for a blob, so
// that its next try gets another one (sheet A.18).
//
// A fixed table of 64 Ki entries that overwrite each other: a forgotten one costs nothing but
// the courtesy. Threads: any, without locks; a reactor may call it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "fleet/upstream.h"
#include "protocol/blob_hash.h"

namespace espalier::gateway {

class RecentlyGiven {
public:
    explicit RecentlyGiven(std::uint64_t seed)
        : seed_(seed), slots_(std::make_unique<std::array<std::atomic<std::uint64_t>, kSlots>>()) {}

    // Who was given to this client for this blob within the last ten seconds.
    std::optional<fleet::UpstreamId> get(std::string_view client, const protocol::BlobHash& hash,
                                         base::Steady::time_point now) const {
        const auto key = key_of(client, hash);
        const auto slot = (*slots_)[key % kSlots].load(std::memory_order_relaxed);
        if (slot == 0 || slot >> 32U != key >> 32U) return std::nullopt;
        const auto age = (ticks(now) - slot) & 0xffffU;
        if (age > kSeconds) return std::nullopt;
        return static_cast<fleet::UpstreamId>(slot >> 16U & 0xffU);
    }
    void put(std::string_view client, const protocol::BlobHash& hash, fleet::UpstreamId given,
             base::Steady::time_point now) {
        const auto key = key_of(client, hash);
        const auto slot = (key >> 32U << 32U) | std::uint64_t{1} << 24U |
                          std::uint64_t{given} << 16U | (ticks(now) & 0xffffU);
        (*slots_)[key % kSlots].store(slot, std::memory_order_relaxed);
    }

private:
    static constexpr std::size_t kSlots = 65'536;
    static constexpr std::uint64_t kSeconds = 10;

    static std::uint64_t ticks(base::Steady::time_point now) {
        const auto since = std::chrono::duration_cast<base::Seconds>(now.time_since_epoch());
        return static_cast<std::uint64_t>(since.count());
    }
    // Seeded, so that nobody can aim at another client's slot.
    std::uint64_t key_of(std::string_view client, const protocol::BlobHash& hash) const {
        auto key = seed_ ^ std::hash<std::string_view>{}(client);
        key = (key ^ std::hash<protocol::BlobHash>{}(hash)) * 0x9e3779b97f4a7c15ULL;
        return key ^ key >> 29U;
    }

    const std::uint64_t seed_;
    const std::unique_ptr<std::array<std::atomic<std::uint64_t>, kSlots>> slots_;
};

}  // namespace espalier::gateway
