// A Mirroring asks several upstreams to fetch a blob themselves: PUT /mirror (BUD-04).
//
// Each goes on by itself, before and after the client's reply alike. An answer counts only with
// a descriptor of the very blob.
//
// Threads: status() and entered_in_ledger() by any; step() by the mover.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fanout/confirm.h"
#include "fanout/live_writes.h"
#include "fanout/mover.h"
#include "fanout/network.h"
#include "ledger/ledger.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

struct MirrorPlan {
    struct Target {
        fleet::UpstreamId upstream = 0;
        std::string authorization;  // "": none
    };
    std::vector<Target> targets;
    protocol::BlobHash hash;
    std::string url;  // where the blob is now
    base::Deadline deadline = base::Deadline::never();
    // Told on the mover, once, what has become of it when no server is at it any more; may be null.
    std::function<void(std::span<const fleet::Outcome>)> on_end = {};
};

struct MirrorStatus {
    std::vector<fleet::Outcome> outcomes;  // one per target, in their order
    std::uint64_t size = 0;                // bytes, as an upstream states; 0 unknown
    std::string type;                      // likewise; "" unknown
    std::optional<std::int64_t> uploaded = {};

    bool all_decided() const;
};

class Mirroring : public Job, public Write {
public:
    // `worker_bell`: the worker's own, when it waits for other things, too.
    Mirroring(Mover& mover, Network network, ledger::Ledger& ledger, Confirmer& confirmer,
              MirrorPlan plan,
              std::shared_ptr<base::Bell> worker_bell = std::make_shared<base::Bell>());

    MirrorStatus status() const;
    // Rings when status() has changed. The worker's.
    base::Bell& worker_bell() { return *worker_bell_; }
    void cut() override;
    // Those that are missing stand in the ledger now; a late success is struck off.
    void entered_in_ledger();

    std::optional<base::Deadline> step(base::Steady::time_point now) override;
    bool outlives_stop() const override { return true; }

private:
    struct Leg {
        MirrorPlan::Target target;
        engine::Transfer transfer = {};
        bool decided = false;
    };
    struct Shared {
        MirrorStatus status;
        bool in_ledger = false;
        bool cut = false;
    };

    void ask_everybody();
    void read_answer(Leg& leg);
    void give_up(Leg& leg);
    void strike_off(fleet::UpstreamId upstream);

    Network network_;
    ledger::Ledger& ledger_;
    Confirmer& confirmer_;
    const MirrorPlan plan_;
    const std::shared_ptr<base::Bell> worker_bell_;
    std::vector<Leg> legs_;  // owned by the mover's thread
    bool asked_ = false;
    base::Guarded<Shared> shared_;
};

}  // namespace espalier::fanout
