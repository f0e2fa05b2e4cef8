#include "fanout/confirm.h"

#include "fanout/blob_head.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Milliseconds;
using base::Steady;

// HEADs one blob at one server until it is there, or until the retries are used up.
class Confirmation : public Job {
public:
    struct Task {
        protocol::BlobHash hash;
        fleet::UpstreamId server;
        Milliseconds patience;
        std::vector<Milliseconds> retries;
    };

    Confirmation(Mover& mover, Network network, Task task)
        : Job(mover), network_(network), task_(std::move(task)) {}

    std::optional<Deadline> step(Steady::time_point now) override {
        if (!transfer_) return now < pause_until_ ? Deadline::at(pause_until_) : ask(now);
        if (!transfer_.decided()) return Deadline::never();
        return read(now);
    }

private:
    Deadline ask(Steady::time_point now) {
        const auto& upstream = network_.fleet.at(task_.server);
        auto request = head_request(upstream, task_.hash, Deadline::at(now + task_.patience));
        asked_ = now;
        transfer_ = start(network_, upstream, std::move(request), bell());
        return Deadline::never();
    }

    std::optional<Deadline> read(Steady::time_point now) {
        const auto state = transfer_.state();
        const auto answer = read_head(state, network_.fleet.miss_status(task_.server));
        record(network_, fleet::Op::lookup,
               head_outcome(network_.fleet.at(task_.server), state, answer), state);
        transfer_ = {};
        if (answer.presence == Presence::there) {
            network_.fleet.learn_fit_for_browsers(task_.server, answer.fit_for_browsers);
            network_.map.learn(task_.hash, task_.server, answer.facts_of(task_.hash), asked_);
            return std::nullopt;
        }
        if (answer.presence == Presence::absent) network_.map.forget(task_.hash, task_.server);
        if (tried_ == task_.retries.size()) return std::nullopt;
        pause_until_ = now + task_.retries[tried_++];
        return Deadline::at(pause_until_);
    }

    Network network_;
    const Task task_;
    engine::Transfer transfer_;
    Steady::time_point asked_{};
    std::size_t tried_ = 0;
    Steady::time_point pause_until_ = Steady::time_point::min();
};

}  // namespace

void Confirmer::after_store(const protocol::BlobHash& hash, fleet::UpstreamId server) {
    mover_.add(std::make_shared<Confirmation>(
        mover_, network_, Confirmation::Task{hash, server, options_.patience, options_.retries}));
}

void Confirmer::again(const protocol::BlobHash& hash, fleet::UpstreamSet servers) {
    for (const auto& upstream : network_.fleet.upstreams()) {
        if (!servers.has(upstream.id)) continue;
        mover_.add(std::make_shared<Confirmation>(
            mover_, network_, Confirmation::Task{hash, upstream.id, options_.patience, {}}));
    }
}

}  // namespace espalier::fanout
