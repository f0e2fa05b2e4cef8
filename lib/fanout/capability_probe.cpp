#include "fanout/capability_probe.h"

#include <algorithm>
#include <array>
#include <random>

#include "base/text.h"
#include "fanout/pause.h"
#include "protocol/key.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;
using fleet::Capability;
using fleet::Endpoint;
using fleet::Finding;

// How long a Job may take to see that its upstream is in use no more.
constexpr base::Seconds kLook{10};

bool contains(const auto& statuses, int status) {
    return std::ranges::find(statuses, status) != statuses.end();
}

bool is_array(std::string_view json) {
    const auto first = json.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && json[first] == '[';
}

class CapabilityProbe : public Job {
public:
    CapabilityProbe(Mover& mover, Network network, fleet::UpstreamId id,
                    const CapabilityProbeOptions& options, std::shared_ptr<Coverage> coverage)
        : Job(mover),
          network_(network),
          id_(id),
          options_(options),
          coverage_(std::move(coverage)) {}

    std::optional<Deadline> step(Steady::time_point now) override {
        if (transfer_ && transfer_.decided()) read();
        if (transfer_) return Deadline::never();
        if (coverage_->leaves(network_.fleet, id_)) return std::nullopt;
        if (now < due_) return Deadline::at(std::min(due_, now + kLook));
        while (next_ < fleet::kEndpoints.size() && is_stated(fleet::kEndpoints[next_])) ++next_;
        if (next_ == fleet::kEndpoints.size()) return rest(now);
        const auto& upstream = network_.fleet.at(id_);
        transfer_ = start(network_, upstream,
                          capability_question(upstream, fleet::kEndpoints[next_],
                                              Deadline::at(now + options_.timeout)),
                          bell());
        return Deadline::never();
    }

private:
    bool is_stated(Endpoint endpoint) const {
        return network_.fleet.offering(id_, endpoint).configured;
    }

    void read() {
        const auto state = transfer_.state();
        auto outcome = outcome_of(network_.fleet.at(id_), state, true);
        const auto finding = read_capability(fleet::kEndpoints[next_], state);
        if (finding) network_.fleet.learn_offering(id_, fleet::kEndpoints[next_], *finding);
        // An answer is a sign of life; that there is none may be the question's fault.
        if (finding)
            outcome.kind = fleet::OutcomeKind::ok;
        else if (outcome.kind != fleet::OutcomeKind::throttle)
            outcome.kind = fleet::OutcomeKind::cancelled;
        record(network_, fleet::Op::capability, outcome, state);
        transfer_ = {};
        // Who is not there, or wants to be left alone, is not asked anything else.
        silent_ = !state.response_complete || outcome.kind == fleet::OutcomeKind::throttle;
        next_ = silent_ ? fleet::kEndpoints.size() : next_ + 1;
    }

    // Until the next round.
    Deadline rest(Steady::time_point now) {
        const auto pause = silent_ ? std::min(options_.interval_after_silence, options_.interval)
                                   : options_.interval;
        due_ = now + jittered(pause, dice_());
        next_ = 0;
        silent_ = false;
        return Deadline::at(due_);
    }

    Network network_;
    const fleet::UpstreamId id_;
    const CapabilityProbeOptions options_;
    const std::shared_ptr<Coverage> coverage_;
    std::mt19937 dice_{std::random_device{}()};
    engine::Transfer transfer_;
    std::size_t next_ = 0;  // of fleet::kEndpoints
    bool silent_ = false;   // the last question was not answered
    Steady::time_point due_{};
};

}  // namespace

engine::TransferRequest capability_question(const fleet::Upstream& upstream, Endpoint endpoint,
                                            Deadline deadline) {
    const auto ask = [&](std::string_view method, std::string_view path) {
        return request_to(upstream, method, path, deadline);
    };
    switch (endpoint) {
        case Endpoint::upload_head:
            return ask("HEAD", "/upload");
        case Endpoint::mirror:
            return ask("PUT", "/mirror");
        case Endpoint::media:
            return ask("HEAD", "/media");  // a PUT might store an empty blob
        case Endpoint::list:
            break;
    }
    const auto nobody = protocol::SecretKey::generate().public_key();
    return ask("GET", base::text("/list/", nobody.hex()));
}

std::optional<Finding> read_capability(Endpoint endpoint, const engine::TransferState& state) {
    constexpr std::array kAbsent{404, 405, 501};
    // How an upload, mirror or media endpoint refuses one that has neither body nor token.
    constexpr std::array kPresent{400, 401, 402, 403, 411, 413, 415};
    if (!state.response_complete) return std::nullopt;
    const int status = state.response.status;
    if (contains(kAbsent, status)) return Finding{.offered = Capability::no};
    if (endpoint == Endpoint::list) {
        if (status == 401) return Finding{.offered = Capability::yes, .needs_token = true};
        if (status != 200 || !is_array(state.response.body)) return std::nullopt;
        return Finding{.offered = Capability::yes};
    }
    const bool is_head = endpoint == Endpoint::upload_head || endpoint == Endpoint::media;
    const bool granted = is_head && status >= 200 && status < 300;
    if (!granted && !contains(kPresent, status)) return std::nullopt;
    return Finding{.offered = Capability::yes, .needs_token = status == 401};
}

void CapabilityProber::cover() {
    for (const auto& upstream : network_.fleet.upstreams())
        if (coverage_->take(upstream.id))
            mover_.add(std::make_shared<CapabilityProbe>(mover_, network_, upstream.id, options_,
                                                         coverage_));
}

}  // namespace espalier::fanout
