// The Repairer works off what the ledger lists as missing, behind everybody's back.
//
// A replica is brought with the uploader's own token while that is good (kept in memory, never
// written down), later with the gateway's service key, or without any where a server wants none.
// What nobody may bring waits. Servers in bad state are left alone until they answer again; then
// it is their turn at once. What was deleted is not brought back, and what a client's own upload
// still brings is left to it.
//
// Threads: expect(), hurry(), snapshot() by any; the rest on the mover.
// Limits: `errands_max` tokens, `at_once_max` replicas at a time for each server.
#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "fanout/errand.h"
#include "fanout/live_writes.h"
#include "fanout/repair_one.h"
#include "fanout/service_key.h"

namespace espalier::fanout {

class Repairer {
public:
    struct Options {
        base::Milliseconds interval{30'000};  // between passes over the ledger; 0: no repairs
        int copies_wanted = 0;                // over all servers; 0: all
        std::size_t at_once_max = 4;
        std::size_t errands_max = 10'000;
        base::Milliseconds first_pause{1'000}, longest_pause{300'000};  // after a failure
        base::Milliseconds head_patience{3'000};
        base::Milliseconds stall_timeout{30'000};
        std::uint64_t bandwidth_max = 0;  // bytes a second of what passes through us; 0: no limit
    };
    static constexpr std::size_t kEnds = kRepairEnds.size();
    struct Snapshot {
        std::uint64_t errands = 0;  // replicas that can be brought with a client's token
        std::uint64_t running = 0;
        std::array<std::uint64_t, kEnds> ended{};  // by RepairEnd
    };

    Repairer(const Options& options, Network network, Mover& mover,
             const Upload::Resources& resources, LiveWrites& live_writes,
             const ServiceKey& service_key);
    ~Repairer();
    Repairer(const Repairer&) = delete;
    Repairer& operator=(const Repairer&) = delete;

    // Begins; once.
    void start();
    // The ledger lists these as missing now. Those that no token is good for may be left out.
    void expect(std::vector<Errand> errands);
    // Whether it works at all: `interval` may say no.
    bool is_on() const { return options_.interval.count() > 0; }
    // Every server that is well has its turn now.
    void hurry();
    Snapshot snapshot() const;

private:
    class Rounds;
    struct Counts {
        std::atomic<std::uint64_t> errands{0}, running{0};
        std::array<std::atomic<std::uint64_t>, kEnds> ended{};
    };

    const Options options_;
    Mover& mover_;
    Counts counts_;
    const std::shared_ptr<Rounds> rounds_;
};

}  // namespace espalier::fanout
