// The MapKeeper brings the map over a restart: it saves its newest entries now and then and at
// the end, and restores them at the start, as entries that are checked when they are first used.
//
// Threads: restore(), start() and stop() by one; saving has a thread of its own, which may wait for
// the disk as long as it likes.
// Limits: `entries_max` in the snapshot.
#pragma once

#include <string>
#include <thread>

#include "base/bell.h"
#include "fanout/network.h"
#include "ledger/ledger.h"

namespace espalier::fanout {

class MapKeeper {
public:
    struct Options {
        base::Milliseconds interval{60'000};      // 0: only at the end
        base::Milliseconds verify_after{10'000};  // restored entries are this old at least
        std::size_t entries_max = 200'000;
    };

    MapKeeper(const Options& options, Network network, ledger::Ledger& ledger)
        : options_(options), network_(network), ledger_(ledger) {}
    ~MapKeeper() { stop(); }
    MapKeeper(const MapKeeper&) = delete;
    MapKeeper& operator=(const MapKeeper&) = delete;

    // Puts into the map what was saved last, without the servers that are in use no more.
    void restore();
    // Saves from now on.
    void start();
    // Saves for the last time. Harmless when repeated.
    void stop();
    void save();

private:
    void run();

    const Options options_;
    Network network_;
    ledger::Ledger& ledger_;
    base::Bell stop_;
    std::jthread thread_;
};

}  // namespace espalier::fanout
