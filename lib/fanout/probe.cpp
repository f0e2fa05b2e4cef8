#include "fanout/probe.h"

#include <algorithm>
#include <random>

#include "fanout/blob_head.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;

protocol::BlobHash random_hash() {
    std::random_device dice;
    base::Digest digest{};
    std::ranges::generate(digest, [&] { return static_cast<std::byte>(dice() & 0xffU); });
    return protocol::BlobHash(digest);
}

class Probe : public Job {
public:
    Probe(Mover& mover, Network network, fleet::UpstreamId id, const ProbeOptions& options,
          std::shared_ptr<std::atomic<std::uint64_t>> covered)
        : Job(mover), network_(network), id_(id), options_(options), covered_(std::move(covered)) {}

    std::optional<Deadline> step(Steady::time_point now) override {
        if (transfer_ && transfer_.decided()) read(now);
        if (transfer_) return Deadline::never();
        if (leaves()) return std::nullopt;
        const auto due = asked_at_ + pause();
        if (now < due) return Deadline::at(std::min(due, now + options_.interval_after_fault));
        asked_at_ = now;
        const auto& upstream = network_.fleet.at(id_);
        auto request = head_request(upstream, random_hash(), Deadline::at(now + options_.timeout));
        request.at_once_max = 0;  // how it is must be known above all when it has much to do
        transfer_ = start(network_, upstream, std::move(request), bell());
        return Deadline::never();
    }

private:
    // Whether the upstream is in use no more. It may come back at any moment: who then finds the
    // place free starts another Job.
    bool leaves() {
        const auto bit = std::uint64_t{1} << id_;
        if (network_.fleet.in_use().has(id_)) return false;
        covered_->fetch_and(~bit);
        return !network_.fleet.in_use().has(id_) || (covered_->fetch_or(bit) & bit) != 0;
    }

    // A fault seen by anybody shortens the wait.
    base::Milliseconds pause() const {
        const auto state = network_.fleet.candidate(id_);
        const bool well = state.failures == 0 && !state.suspect;
        return well ? options_.interval
                    : std::min(options_.interval, options_.interval_after_fault);
    }

    void read(Steady::time_point) {
        const auto state = transfer_.state();
        auto outcome = outcome_of(network_.fleet.at(id_), state, false);
        const int miss = learn_miss_status(network_.fleet.miss_status(id_), state);
        network_.fleet.learn_miss_status(id_, miss);
        // However a server says that it has no such blob, it is well.
        const bool answers = outcome.kind != fleet::OutcomeKind::upstream_fault &&
                             outcome.kind != fleet::OutcomeKind::throttle;
        if (outcome.status != 0 && (answers || outcome.status == miss))
            outcome.kind = fleet::OutcomeKind::ok;
        record(network_, fleet::Op::probe, outcome, state);
        transfer_ = {};
    }

    Network network_;
    const fleet::UpstreamId id_;
    const ProbeOptions options_;
    const std::shared_ptr<std::atomic<std::uint64_t>> covered_;
    engine::Transfer transfer_;
    Steady::time_point asked_at_{};
};

}  // namespace

void Prober::cover() {
    for (const auto& upstream : network_.fleet.upstreams()) {
        const auto bit = std::uint64_t{1} << upstream.id;
        if ((covered_->fetch_or(bit) & bit) != 0) continue;
        mover_.add(std::make_shared<Probe>(mover_, network_, upstream.id, options_, covered_));
    }
}

}  // namespace espalier::fanout
