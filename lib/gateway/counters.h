// What the gateway counts of its clients' requests.
//
// Threads: any, without locks; reactors count too.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "gateway/routes.h"
#include "metrics/condition.h"
#include "metrics/exposition.h"
#include "protocol/authorizer.h"

namespace espalier::gateway {

class Counters {
public:
    Counters() : requests_(std::make_unique<Requests>()) {}

    void count_request(std::string_view method, Route route, int status);
    void count_refusal(protocol::AuthRefusal why);
    enum class Quorum : std::uint8_t { met, failed, aborted };
    void count_upload(Quorum result);
    void count_rate_limited() { rate_limited_.fetch_add(1, std::memory_order_relaxed); }
    // A body that we fetched for a client: what it got of it.
    void count_proxied(std::uint64_t bytes, std::uint64_t failovers, std::uint64_t mismatches);
    void count_map(bool hit) {
        (hit ? map_hits_ : map_misses_).fetch_add(1, std::memory_order_relaxed);
    }
    void describe(metrics::Exposition& out) const;
    std::uint64_t requests() const;  // of all kinds
    // What is counted here of them.
    metrics::Reads reads() const;
    std::vector<metrics::Refusal> refusals() const;
    std::uint64_t rate_limited() const { return rate_limited_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t kMethods = 6;
    static constexpr std::size_t kStatuses = 32;
    using Count = std::atomic<std::uint64_t>;
    using Requests = std::array<std::array<std::array<Count, kStatuses>, kRoutes>, kMethods>;

    // GETs of blobs that were answered like this.
    std::uint64_t blob_reads(std::initializer_list<int> statuses) const;

    const std::unique_ptr<Requests> requests_;
    std::array<Count, 14> refusals_{};
    std::array<Count, 3> uploads_{};
    Count map_hits_{0}, map_misses_{0}, rate_limited_{0};
    Count proxied_{0}, proxied_bytes_{0}, failovers_{0}, mismatches_{0};
};

}  // namespace espalier::gateway
