// The Locator finds out which upstreams have a blob that the map does not know.
//
// All upstreams are asked at once; the first hit is taken after at most `hedge_delay` of
// waiting for better-ranked ones, or as long as their answers usually take; the rest fill the map.
// Requests for the same blob share one lookup. "Nobody has it" is remembered for `negative_ttl`.
//
// Threads: find() from any; the asking happens on the mover.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fanout/blob_head.h"
#include "fanout/mover.h"
#include "fanout/negative_cache.h"
#include "fanout/network.h"

namespace espalier::fanout {

enum class Found : std::uint8_t { pending, somewhere, nowhere, uncertain };

struct Located {
    Found found = Found::pending;
    fleet::UpstreamSet servers;            // for `somewhere`: those that confirmed so far
    HeadAnswer facts;                      // of the first that confirmed
    std::vector<fleet::Outcome> outcomes;  // of those that have answered, or failed
    fleet::UpstreamSet silent;             // of these, who could not say
    bool only_timeouts = false;            // for `uncertain`: all missing answers are timeouts
    bool remembered = false;               // `nowhere` from the negative cache
};

// How long a better-ranked upstream may delay a hit when its answers come within `p95` (nothing:
// not known) nineteen times in twenty.
base::Milliseconds patience_with(std::optional<base::Milliseconds> p95);

class Lookup;

class Locator {
public:
    struct Options {
        // Nothing: patience_with() the slowest of those that are waited for.
        std::optional<base::Milliseconds> hedge_delay = base::Milliseconds{100};
        base::Milliseconds lookup_timeout{3'000};
        base::Milliseconds negative_ttl{10'000};
        std::size_t negative_entries_max = 65'536;
        fleet::Strategy strategy = fleet::Strategy::round_robin;
    };
    struct Snapshot {
        std::uint64_t started = 0, shared = 0, negative_hits = 0;
    };

    Locator(const Options& options, Network network, Mover& mover);
    ~Locator();
    Locator(const Locator&) = delete;
    Locator& operator=(const Locator&) = delete;

    // Waits until it is known, at most `lookup_timeout`.
    Located find(const protocol::BlobHash& hash);
    // The blob has just been stored or deleted somewhere: what has been heard of it is void.
    void changed(const protocol::BlobHash& hash);
    Snapshot snapshot() const;

private:
    friend class Lookup;
    std::shared_ptr<Lookup> join(const protocol::BlobHash& hash);
    void finished(const Lookup& lookup);

    const Options options_;
    Network network_;
    Mover& mover_;
    NegativeCache nowhere_;
    base::Guarded<std::unordered_map<protocol::BlobHash, std::shared_ptr<Lookup>>> lookups_;
    std::atomic<std::uint64_t> started_{0}, shared_{0}, negative_hits_{0}, dice_{0};
};

}  // namespace espalier::fanout
