#include "fanout/probe.h"

#include <algorithm>
#include <random>

#include "fanout/blob_head.h"
#include "fanout/pause.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;

class Probe : public Job {
public:
    Probe(Mover& mover, Network network, fleet::UpstreamId id, const ProbeOptions& options,
          std::shared_ptr<Coverage> coverage)
        : Job(mover),
          network_(network),
          id_(id),
          options_(options),
          coverage_(std::move(coverage)) {}

    std::optional<Deadline> step(Steady::time_point now) override {
        if (transfer_ && transfer_.decided()) read();
        if (transfer_) return Deadline::never();
        if (coverage_->leaves(network_.fleet, id_)) return std::nullopt;
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
    // A fault seen by anybody shortens the wait.
    base::Milliseconds pause() const {
        const auto state = network_.fleet.candidate(id_);
        const bool faulty = state.failures != 0 || state.suspect;
        return probe_pause(options_, failures_, faulty, dice_);
    }

    void note_clock(const engine::TransferState& state) {
        const auto date = parse_http_date(state.response.headers.value("Date"));
        if (date && state.response_complete)
            network_.fleet.learn_clock_skew(id_, *date - network_.clock.unix_now());
    }

    void read() {
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
        note_clock(state);
        failures_ = outcome.kind == fleet::OutcomeKind::upstream_fault ? failures_ + 1 : 0;
        dice_ = random_();
        transfer_ = {};
    }

    Network network_;
    const fleet::UpstreamId id_;
    const ProbeOptions options_;
    const std::shared_ptr<Coverage> coverage_;
    engine::Transfer transfer_;
    Steady::time_point asked_at_{};
    std::uint32_t failures_ = 0;  // in a row
    std::mt19937 random_{std::random_device{}()};
    std::uint64_t dice_ = 0;  // thrown anew for every probe
};

}  // namespace

protocol::BlobHash random_hash() {
    std::random_device dice;
    base::Digest digest{};
    std::ranges::generate(digest, [&] { return static_cast<std::byte>(dice() & 0xffU); });
    return protocol::BlobHash(digest);
}

base::Milliseconds probe_pause(const ProbeOptions& options, std::uint32_t failures, bool faulty,
                               std::uint64_t dice) {
    if (!faulty) return options.interval;
    const auto pause = backed_off(options.interval_after_fault, options.interval, failures);
    return std::min(jittered(pause, dice), options.interval);
}

void Prober::cover() {
    for (const auto& upstream : network_.fleet.upstreams())
        if (coverage_->take(upstream.id))
            mover_.add(std::make_shared<Probe>(mover_, network_, upstream.id, options_, coverage_));
}

}  // namespace espalier::fanout
