// An Upload carries one body to several upstreams at once.
//
// The worker that reads the client appends bytes; the mover feeds every upstream from its own
// offset, before and after the reply alike, so that nobody waits for anyone slower than the
// quorum. No upstream sees the last byte before release(): until then every leg can be cut,
// and a cut leg stores nothing. Bodies to be verified first open no leg before release().
//
// Threads: room() to drop() by the worker; step() by the mover; status() by any.
// Limits: the window in memory and the file behind it (spool::Spool), both from budgets.
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
#include "fanout/service_key.h"
#include "fleet/judge.h"
#include "ledger/ledger.h"
#include "protocol/blob_hash.h"
#include "protocol/descriptor.h"
#include "spool/spool.h"

namespace espalier::fanout {

struct Pace;

struct UploadTarget {
    fleet::UpstreamId upstream = 0;
    base::Headers headers;             // Authorization for this upstream, Content-Type …
    std::uint64_t body_bytes_max = 0;  // longer bodies are not sent to it; 0: no limit
    // Signs the token for it, as soon as the blob's hash is known; null: it stands in `headers`.
    const ServiceKey* signer = nullptr;
};

struct UploadPlan {
    std::vector<UploadTarget> targets;
    std::vector<fleet::Outcome> left_out;  // upstreams to which nothing is sent, and why
    int quorum = 1;
    fleet::UpstreamSet required = {};            // must be among the quorum
    std::optional<std::uint64_t> body_bytes;     // as declared; nothing: found out by reading
    std::optional<protocol::BlobHash> promised;  // X-SHA-256, or the token's only x tag
    // Required when body_bytes is unknown, and for a signer when nothing is promised.
    bool verify_first = false;
    bool transforms = false;  // PUT /media: another blob is stored
    std::string owner = {};   // for whom signers sign, in hex
    base::Deadline deadline = base::Deadline::never();
    base::Milliseconds stall_timeout{30'000};
    // Told on the mover, once, what has become of it when no server is at it any more; may be null.
    std::function<void(std::span<const fleet::Outcome>)> on_end = {};
};

struct UploadStatus {
    std::vector<fleet::Outcome> outcomes;  // targets in their order, then those left out
    fleet::Verdict verdict;
    std::optional<base::Steady::time_point> met_at;  // when the quorum was reached
    std::optional<std::int64_t> uploaded;            // earliest that the upstreams state
    // Of the blob that was made of this one, by PUT /media.
    std::optional<protocol::Descriptor> made = {};
    bool body_lost = false;  // a body to be verified first could not be kept: no room

    bool all_decided() const { return verdict.pending == 0; }
};

// Whether a replica that this outcome says is not there may still be had, so that it is worth
// remembering. A server that refused the blob, or takes none, will not change its mind.
bool is_missing(const fleet::Upstream& upstream, const fleet::Outcome& outcome);

class Upload : public Job, public Write {
public:
    struct Resources {
        base::Budget& memory;
        base::Budget& disk;
        spool::Spool::Options spool;
        ledger::Ledger& ledger;
        Confirmer& confirmer;
    };

    // `worker_bell`: the worker's own, when it waits for other things, too.
    Upload(Mover& mover, Network network, const Resources& resources, UploadPlan plan,
           std::shared_ptr<base::Bell> worker_bell = std::make_shared<base::Bell>());
    ~Upload() override;

    // Worker: where the next bytes of the body go; empty while nothing may be read. Before a
    // server's bytes go to the disk it gets a moment to catch up, a tenth of the time so far
    // at most: servers of equal speed take turns at being the slowest.
    std::span<std::byte> room(std::size_t bytes_max);
    // Worker: waits until room() is worth another try; false when the deadline has passed.
    bool wait_for_room(base::Deadline deadline);
    // Worker: small pieces are told to the mover together; who has waited for more bytes until
    // patience() in vain calls announce().
    void commit(std::size_t n);
    base::Deadline patience(base::Deadline deadline) const;
    void announce();
    // Worker: everything promised agrees; the last byte may go. `size` is the whole body's.
    void release(const protocol::BlobHash& hash);
    // Worker: cut every leg; nobody shall store anything.
    void drop();
    // Any thread: the blob has been deleted meanwhile.
    void cut() override;
    // Worker: the replicas that are missing stand in the ledger now; what becomes of them later
    // is noted there.
    void entered_in_ledger();
    // Rings when room() or status() may have changed. The worker's.
    base::Bell& worker_bell() { return *worker_bell_; }
    UploadStatus status() const;
    // Bytes that each target has been given so far, in their order. Any thread.
    std::vector<std::uint64_t> fed() const;
    std::uint64_t size() const { return spool_->size(); }
    std::uint64_t spilled_bytes() const { return spool_->spilled_bytes(); }

    std::optional<base::Deadline> step(base::Steady::time_point now) override;
    bool outlives_stop() const override { return released_.load(); }

private:
    struct Leg {
        UploadTarget target;
        std::unique_ptr<spool::Spool::Reader> reader;
        std::shared_ptr<engine::Pipe> pipe;
        base::Slice unsent;  // read from the spool, not yet in the pipe
        base::Lease memory;  // for the pipe; nothing: it got a small one
        engine::Transfer transfer;
        bool decided = false;
    };
    enum class Ending : std::uint8_t { none, released, dropped, cut };
    struct Shared {
        UploadStatus status;
        Ending ending = Ending::none;
        std::optional<protocol::BlobHash> hash;  // from release() on
        std::uint64_t size = 0;
        bool in_ledger = false;
    };

    std::optional<base::Deadline> tell_the_end();
    bool within_window() const;
    bool patient_with_slowest(bool would_spill);
    std::span<std::byte> find_room(std::size_t bytes);
    void open_legs();
    std::string sign(const UploadTarget& target, const protocol::BlobHash& hash) const;
    std::shared_ptr<engine::Pipe> pipe_for(Leg& leg);
    void feed(Leg& leg);
    bool fill(Leg& leg);
    // Its bytes could not be kept for it.
    void leave_behind(Leg& leg);
    void read_answer(Leg& leg, const std::optional<protocol::BlobHash>& hash);
    fleet::Outcome judge_answer(const Leg& leg, const engine::TransferState& state,
                                const protocol::BlobHash& hash,
                                std::optional<protocol::Descriptor>& stored) const;
    void decide(Leg& leg, fleet::Outcome outcome, const engine::TransferState& state,
                std::optional<protocol::Descriptor> stored = std::nullopt);
    void learn(const Leg& leg, const fleet::Outcome& outcome);
    void strike_if_settled(const protocol::BlobHash& hash, const fleet::Outcome& outcome);
    void cut_all(const std::string& why);

    Network network_;
    base::Budget& memory_;
    ledger::Ledger& ledger_;
    Confirmer& confirmer_;
    const UploadPlan plan_;
    const std::uint64_t window_bytes_;
    const std::size_t legs_needed_;  // for the quorum
    const std::shared_ptr<spool::Spool> spool_;
    const std::shared_ptr<base::Bell> worker_bell_;
    // Owned by the worker.
    std::uint64_t unannounced_ = 0;  // committed since the mover was last told
    base::Steady::time_point announced_{};
    const base::Steady::time_point begun_;
    base::Steady::duration waited_{0};  // for the slowest, in all
    std::optional<base::Steady::time_point> waiting_since_;
    // Owned by the mover's thread; the readers' offsets are read by the worker.
    std::vector<Leg> legs_;
    bool open_ = false;
    // Shared.
    const std::unique_ptr<Pace> pace_;
    std::atomic<bool> released_{false};
    base::Guarded<Shared> shared_;
};

}  // namespace espalier::fanout
