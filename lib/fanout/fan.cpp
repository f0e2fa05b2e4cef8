#include "fanout/fan.h"

#include <algorithm>

namespace espalier::fanout {
namespace {

using fleet::Outcome;
using fleet::OutcomeKind;

using base::Deadline;
using base::Milliseconds;

struct Leg {
    fleet::UpstreamId upstream;
    engine::TransferRequest request;
    engine::Transfer transfer;
    int tries = 0;
    Deadline again_at = Deadline::never();  // while it pauses before the next try
};

// Nobody waits for a server that is known to be down.
bool worth_another_try(const Network& network, const Leg& leg, const Outcome& outcome,
                       const FanRules& rules) {
    return outcome.kind == OutcomeKind::upstream_fault && outcome.broken != fleet::Break::none &&
           leg.tries <= rules.retries_max && !leg.request.deadline.passed() &&
           network.fleet.healthy(leg.upstream);
}

void begin(Network& network, Leg& leg, const std::shared_ptr<base::Bell>& bell) {
    ++leg.tries;
    leg.again_at = Deadline::never();
    leg.transfer = start(network, network.fleet.at(leg.upstream), leg.request, bell);
}

bool all_decided(const std::vector<Outcome>& outcomes) {
    return std::ranges::none_of(
        outcomes, [](const Outcome& outcome) { return outcome.kind == OutcomeKind::pending; });
}

void read_answers(Network& network, std::vector<Leg>& legs, std::vector<Outcome>& outcomes,
                  const FanRules& rules) {
    for (std::size_t i = 0; i < legs.size(); ++i) {
        Leg& leg = legs[i];
        if (outcomes[i].kind != OutcomeKind::pending || !leg.transfer || !leg.transfer.decided())
            continue;
        const auto state = leg.transfer.state();
        const auto& upstream = network.fleet.at(leg.upstream);
        auto outcome = rules.read ? rules.read(upstream, state)
                                  : outcome_of(upstream, state, rules.optional_endpoint);
        record(network, rules.op, outcome, state);
        leg.transfer = {};
        if (worth_another_try(network, leg, outcome, rules))
            leg.again_at = Deadline::after(Milliseconds{50} * (1 << std::min(leg.tries, 6)));
        else
            outcomes[i] = std::move(outcome);
    }
}

// Begins what has paused long enough; when the next one is due.
Deadline begin_due(Network& network, std::vector<Leg>& legs,
                   const std::shared_ptr<base::Bell>& bell) {
    auto next = Deadline::never();
    for (Leg& leg : legs) {
        if (leg.again_at.passed()) begin(network, leg, bell);
        next = std::min(next, leg.again_at);
    }
    return next;
}

void give_up_the_rest(Network& network, const std::vector<Leg>& legs,
                      std::vector<Outcome>& outcomes, const FanRules& rules) {
    for (std::size_t i = 0; i < legs.size(); ++i) {
        if (outcomes[i].kind != OutcomeKind::pending) continue;
        outcomes[i].kind = OutcomeKind::cancelled;
        if (legs[i].transfer) record(network, rules.op, outcomes[i], legs[i].transfer.state());
    }
}

}  // namespace

std::vector<Outcome> fan_out(Network network, std::vector<FanLeg> requests, const FanRules& rules) {
    const auto bell = std::make_shared<base::Bell>();
    std::vector<Leg> legs;
    std::vector<Outcome> outcomes;
    for (auto& [upstream, request] : requests) {
        outcomes.push_back({.upstream = upstream, .reason = {}});
        legs.push_back({.upstream = upstream, .request = std::move(request), .transfer = {}});
        begin(network, legs.back(), bell);
    }
    for (;;) {
        bell->clear();
        read_answers(network, legs, outcomes, rules);
        if (all_decided(outcomes)) return outcomes;
        if (rules.enough && rules.enough(outcomes)) break;
        bell->wait(begin_due(network, legs, bell));
    }
    give_up_the_rest(network, legs, outcomes, rules);
    return outcomes;
}

}  // namespace espalier::fanout
