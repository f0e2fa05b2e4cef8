// The Remainders are the copies that a delete did not reach: their servers failed when they were
// asked, while others did delete. They are asked again behind the reply, less and less often,
// for as long as the token lives and nobody stores the blob anew.
//
// In memory only, since a token is never written down: a restart forgets them.
//
// Threads: retry() and snapshot() from any; the asking happens on the mover.
// Limits: `at_once_max` servers to be asked again, over all deletes.
#pragma once

#include <atomic>
#include <cstdint>

#include "fanout/confirm.h"
#include "fanout/errand.h"
#include "fanout/mover.h"
#include "fanout/network.h"
#include "ledger/ledger.h"

namespace espalier::fanout {

// Whether a delete with this outcome may yet succeed when it is asked for again.
bool is_remainder(const fleet::Outcome& outcome);

class Remainders {
public:
    struct Options {
        std::size_t at_once_max = 1000;
        base::Milliseconds patience{30'000};  // for one request
        base::Milliseconds first_pause{1'000}, longest_pause{60'000};
        base::Seconds longest_life{3600};  // however long the token lives
    };
    struct Snapshot {
        std::uint64_t waiting = 0, deleted = 0, given_up = 0, turned_away = 0;
    };

    Remainders(const Options& options, Network network, Mover& mover, ledger::Ledger& ledger,
               Confirmer& confirmer)
        : options_(options),
          network_(network),
          mover_(mover),
          ledger_(ledger),
          confirmer_(confirmer) {}

    // Requires: the ledger has a tombstone of this delete. Its end is the end of the retries, too.
    void retry(Errand errand);
    Snapshot snapshot() const;

private:
    class Retry;

    const Options options_;
    Network network_;
    Mover& mover_;
    ledger::Ledger& ledger_;
    Confirmer& confirmer_;
    std::atomic<std::uint64_t> waiting_{0}, deleted_{0}, given_up_{0}, turned_away_{0};
};

}  // namespace espalier::fanout
