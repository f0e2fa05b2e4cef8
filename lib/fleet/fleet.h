// The Fleet is what we know of the upstreams: who they are, how they are doing, what they did.
// It does no I/O: others report outcomes, and read health and tallies.
//
// Health: `max_failures` upstream faults in a row make an upstream unhealthy; any other answer
// makes it healthy again. One connection-level fault makes it *suspect* until a success.
// A 429 pauses it for as long as it asked.
//
// The upstreams may be replaced while requests run. An id belongs to one URL for as long as the
// Fleet lives, and what at() and upstreams() gave stays valid, so that a request ends with the
// upstreams it began with. Old descriptions are kept: replacing is rare.
//
// Threads: any. Health, counters and the lookups' quantiles are atomics, so a reactor may read
// them; what happened lately is guarded, each upstream's by its own lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "fleet/capability.h"
#include "fleet/latency.h"
#include "fleet/outcome.h"
#include "fleet/rank.h"
#include "fleet/recent.h"
#include "fleet/refusals.h"
#include "fleet/upstream.h"

namespace espalier::fleet {

struct UpstreamSnapshot {
    UpstreamId id = 0;
    std::string url, host;
    int priority = 0;
    bool healthy = true, suspect = false, paused = false;
    std::uint32_t consecutive_failures = 0;
    std::int64_t last_failure = 0, last_success = 0;  // unix seconds, 0 never
    std::string last_error, last_error_op;
    Mode mode = Mode::rw;
    std::size_t in_flight_max = 0;
    std::array<Tally, kOps> tallies{};                // by Op
    std::array<std::uint64_t, 9> outcomes{};          // by OutcomeKind, all operations
    std::array<std::uint64_t, kFailures> failures{};  // by Failure; a question's "no" is none
    LatencyCounts lookups_took, uploads_took;         // since the start
    std::int64_t in_flight = 0;
    std::uint64_t bytes_up = 0, bytes_down = 0;
    std::int64_t stored_bytes = 0;  // see Fleet::count_stored()
    std::uint64_t quota_bytes = 0;  // 0: none
    RecentFigures recent;
    Refusals::Known refuses;
    Offerings offers{};                      // by Endpoint
    std::optional<std::int64_t> clock_skew;  // seconds that its clock is ahead of ours
    std::optional<std::int64_t> probe_age;   // seconds since the last probe ended
};

class Fleet {
public:
    struct Options {
        std::vector<Upstream> upstreams;  // ids 0, 1, 2, … in order; at most kUpstreamsMax
        std::uint32_t max_failures = 5;
        base::Milliseconds refusal_ttl = std::chrono::hours{1};  // 0: refusals teach nothing
    };
    // Told once per change between healthy and unhealthy; must return at once.
    using OnChange = std::function<void(const Upstream&, bool healthy, const std::string& why)>;

    Fleet(Options options, const base::Clock& clock, OnChange on_change = {});
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    // Those that are in use now; their ids need not be dense.
    const std::vector<Upstream>& upstreams() const { return roster().upstreams; }
    // The newest description, also of one that is in use no more.
    const Upstream& at(UpstreamId id) const { return *seat(id).upstream; }
    std::size_t size() const { return roster().upstreams.size(); }
    // For sets of servers that were put together earlier.
    UpstreamSet in_use() const { return roster().in_use; }
    // Those of them that clients may be sent to.
    UpstreamSet readable() const { return roster().readable; }
    // Those that every blob must be stored on.
    UpstreamSet required() const { return roster().required; }
    // These servers by their URLs, for what was written down by URL.
    std::unordered_map<std::string, UpstreamId> by_url(UpstreamSet servers) const;
    // Made once, for the hot path: where a blob's name is appended ("https://host/"), and what
    // clients and metrics call it: the host, or the URL where two upstreams share a host.
    const std::string& link_base(UpstreamId id) const { return seat(id).link_base; }
    const std::string& host(UpstreamId id) const { return seat(id).host; }

    // Puts these in the place of all others; ids are given by URL, whatever they were. One that
    // was there before keeps its health and tallies. Errors: invalid, when more than
    // kUpstreamsMax URLs have been in use in all. Threads: one at a time.
    base::Result<void> replace(std::vector<Upstream> upstreams);

    // Counts the outcome, and moves health when it is the upstream's own fault or merit.
    void record(Op op, const Outcome& outcome);
    // A redirect is a download that we only arranged: it is counted, but proves nothing.
    void count_redirect(UpstreamId id);
    void count_bytes(UpstreamId id, std::uint64_t up, std::uint64_t down);
    // What the gateway has stored there, less what it has deleted: counted where there is a quota.
    void count_stored(UpstreamId id, std::int64_t bytes);
    std::int64_t stored_bytes(UpstreamId id) const;
    // An exchange has begun (+1) or ended (-1).
    void count_in_flight(UpstreamId id, int change);

    bool healthy(UpstreamId id) const;
    bool suspect(UpstreamId id) const;
    bool paused(UpstreamId id) const;
    int healthy_count() const;
    // What an upstream answers to a HEAD of a blob that nobody has, as probes saw it; 0 unknown.
    int miss_status(UpstreamId id) const;
    void learn_miss_status(UpstreamId id, int status);
    // Whether its blobs come with what browsers need; true while nobody knows.
    bool fit_for_browsers(UpstreamId id) const;
    void learn_fit_for_browsers(UpstreamId id, bool fit);
    // What the operator states of an optional endpoint, else what a probe found out.
    Offering offering(UpstreamId id, Endpoint endpoint) const;
    // Requires: the operator states nothing.
    void learn_offering(UpstreamId id, Endpoint endpoint, const Finding& finding);
    void learn_clock_skew(UpstreamId id, std::int64_t seconds_ahead);
    // The upstream has refused (413, 415) or taken such an upload; other outcomes teach nothing.
    // `type`: without parameters.
    void learn_what_it_takes(const Outcome& outcome, std::uint64_t bytes, std::string_view type);
    // What such an upload would come to by what the upstream refused before; nothing: it may
    // take it.
    std::optional<Outcome> known_refusal(UpstreamId id, std::optional<std::uint64_t> bytes,
                                         std::string_view type) const;
    // How long its lookups took lately; nothing until there was one.
    std::optional<base::Milliseconds> lookup_p50(UpstreamId id) const;
    std::optional<base::Milliseconds> lookup_p95(UpstreamId id) const;
    // Snapshot of one upstream for rank().
    Candidate candidate(UpstreamId id) const;
    std::vector<UpstreamSnapshot> snapshot() const;

private:
    struct Live;
    struct Seat {
        const Upstream* upstream = nullptr;
        std::string link_base, host;
    };
    struct Roster {
        std::vector<Upstream> upstreams;
        std::vector<Seat> seats;  // one for each of them
        UpstreamSet in_use, readable, required;
    };

    const Roster& roster() const { return *current_.load(std::memory_order_acquire); }
    const Seat& seat(UpstreamId id) const { return *seats_.at(id).load(std::memory_order_acquire); }
    std::optional<UpstreamId> id_of(const engine::Url& url) const;
    void install(std::vector<Upstream> upstreams);
    void note_recent(Live& live, Op op, const Outcome& outcome);
    std::int64_t minute() const;
    void fail(Live& live, const Upstream& upstream, Op op, const Outcome& outcome);
    void succeed(Live& live, const Upstream& upstream);

    const std::uint32_t max_failures_;
    const base::Milliseconds refusal_ttl_;
    const base::Clock& clock_;
    const OnChange on_change_;
    std::vector<std::unique_ptr<Live>> live_;  // by id, one for each that there can be
    std::atomic<const Roster*> current_{nullptr};
    std::array<std::atomic<const Seat*>, kUpstreamsMax> seats_{};  // by id; null: not given yet
    base::Guarded<std::vector<std::unique_ptr<const Roster>>> rosters_;  // all there ever were
};

}  // namespace espalier::fleet
