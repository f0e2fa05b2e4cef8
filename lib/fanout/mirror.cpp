#include "fanout/mirror.h"

#include <algorithm>

#include "base/text.h"
#include "protocol/descriptor.h"
#include "protocol/mime.h"
#include "protocol/mirror_request.h"

namespace espalier::fanout {

using fleet::Outcome;
using fleet::OutcomeKind;

bool MirrorStatus::all_decided() const {
    return std::ranges::count(outcomes, OutcomeKind::pending, &Outcome::kind) == 0;
}

Mirroring::Mirroring(Mover& mover, Network network, ledger::Ledger& ledger, Confirmer& confirmer,
                     MirrorPlan plan, std::shared_ptr<base::Bell> worker_bell)
    : Job(mover),
      network_(network),
      ledger_(ledger),
      confirmer_(confirmer),
      plan_(std::move(plan)),
      worker_bell_(std::move(worker_bell)) {
    shared_.with([&](Shared& shared) {
        for (const auto& target : plan_.targets) {
            legs_.push_back({.target = target});
            shared.status.outcomes.push_back({.upstream = target.upstream, .reason = {}});
        }
    });
}

MirrorStatus Mirroring::status() const {
    return shared_.with([](const Shared& shared) { return shared.status; });
}

void Mirroring::entered_in_ledger() {
    const auto outcomes = shared_.with([](Shared& shared) {
        shared.in_ledger = true;
        return shared.status.outcomes;
    });
    // Those that were decided while the row was being written.
    for (const Outcome& outcome : outcomes)
        if (outcome.kind == OutcomeKind::ok) strike_off(outcome.upstream);
}

void Mirroring::strike_off(fleet::UpstreamId upstream) {
    const auto& url = network_.fleet.at(upstream).url.text();
    static_cast<void>(ledger_.no_longer_missing(plan_.hash, url));
}

void Mirroring::cut() {
    shared_.with([](Shared& shared) { shared.cut = true; });
    bell()->ring();
}

std::optional<base::Deadline> Mirroring::step(base::Steady::time_point) {
    if (!std::exchange(asked_, true)) ask_everybody();
    const bool cut = shared_.with([](const Shared& shared) { return shared.cut; });
    bool all_decided = true;
    for (Leg& leg : legs_) {
        if (!leg.decided && leg.transfer.decided()) read_answer(leg);
        if (!leg.decided && cut) give_up(leg);
        all_decided = all_decided && leg.decided;
    }
    if (!all_decided) return base::Deadline::never();
    if (plan_.on_end) plan_.on_end(status().outcomes);
    return std::nullopt;
}

void Mirroring::give_up(Leg& leg) {
    Outcome outcome{.upstream = leg.target.upstream,
                    .kind = OutcomeKind::cancelled,
                    .reason = "the blob was deleted"};
    record(network_, fleet::Op::mirror, outcome, leg.transfer.state());
    leg.decided = true;
    leg.transfer = {};
    shared_.with([&](Shared& shared) {
        shared.status.outcomes[static_cast<std::size_t>(&leg - legs_.data())] = std::move(outcome);
    });
    worker_bell_->ring();
}

void Mirroring::ask_everybody() {
    for (Leg& leg : legs_) {
        const auto& upstream = network_.fleet.at(leg.target.upstream);
        auto request = request_to(upstream, "PUT", "/mirror", plan_.deadline);
        request.headers.add("Content-Type", "application/json");
        request.headers.add("X-SHA-256", plan_.hash.hex());
        if (!leg.target.authorization.empty())
            request.headers.add("Authorization", leg.target.authorization);
        request.body = protocol::mirror_request(plan_.url);
        // It says nothing while it fetches.
        request.stall_timeout = std::chrono::hours{24};
        leg.transfer = start(network_, upstream, std::move(request), bell());
    }
}

void Mirroring::read_answer(Leg& leg) {
    const auto state = leg.transfer.state();
    auto outcome = outcome_of(network_.fleet.at(leg.target.upstream), state, true);
    const auto descriptor = protocol::parse_descriptor(state.response.body);
    if (outcome.kind == OutcomeKind::ok && (!descriptor || descriptor->sha256 != plan_.hash)) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.wrong_hash = descriptor.has_value();
        outcome.reason =
            descriptor ? "mirrored another blob: its descriptor names another hash"
                       : base::text("answered ", outcome.status, " without a valid descriptor");
    }
    const bool ok = outcome.kind == OutcomeKind::ok;
    if (ok && outcome.status != 200)
        count_stored(network_, ledger_, network_.fleet.at(leg.target.upstream),
                     static_cast<std::int64_t>(descriptor->size));
    leg.decided = true;
    leg.transfer = {};
    record(network_, fleet::Op::mirror, outcome, state);
    const bool in_ledger = shared_.with([&](Shared& shared) {
        auto& status = shared.status;
        if (ok) {
            if (status.size == 0) status.size = descriptor->size;
            if (status.type.empty() || status.type == protocol::kUnknownMime)
                status.type = descriptor->type;
            if (descriptor->uploaded > 0)
                status.uploaded =
                    std::min(status.uploaded.value_or(descriptor->uploaded), descriptor->uploaded);
        }
        status.outcomes[static_cast<std::size_t>(&leg - legs_.data())] = std::move(outcome);
        return shared.in_ledger;
    });
    worker_bell_->ring();
    if (ok) confirmer_.after_store(plan_.hash, leg.target.upstream);
    if (ok && in_ledger) strike_off(leg.target.upstream);
}

}  // namespace espalier::fanout
