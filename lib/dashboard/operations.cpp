#include "dashboard/operations.h"

#include <algorithm>

namespace espalier::dashboard {

using fleet::OutcomeKind;

bool Operation::is_over() const {
    return status != 0 && std::ranges::none_of(legs, [](const OperationLeg& leg) {
               return leg.outcome.kind == OutcomeKind::pending;
           });
}

Operations::Operations(const base::Clock& clock, std::size_t kept) : clock_(clock), kept_(kept) {}

std::uint64_t Operations::begin(std::string_view what, std::string_view request_id) {
    const auto id = state_.with([&, now = clock_.unix_now()](State& state) {
        if (state.entries.size() == kept_) state.entries.pop_front();
        Operation operation{.id = ++state.last_id,
                            .version = ++state.version,
                            .begun = now,
                            .what = std::string(what),
                            .request_id = std::string(request_id),
                            .hash = {},
                            .pubkey = {}};
        state.entries.push_back({std::move(operation), {}});
        return state.last_id;
    });
    ring();
    return id;
}

Operations::Entry* Operations::find(State& state, std::uint64_t id) {
    const auto known =
        std::ranges::find(state.entries, id, [](const Entry& entry) { return entry.operation.id; });
    return known == state.entries.end() ? nullptr : &*known;
}

void Operations::change(std::uint64_t id, const Change& change) {
    state_.with([&](State& state) {
        Entry* const known = find(state, id);
        if (known == nullptr) return;
        change(known->operation);
        known->operation.version = ++state.version;
        if (known->operation.is_over()) known->progress = {};
    });
    ring();
}

void Operations::follow(std::uint64_t id, Progress progress) {
    state_.with([&](State& state) {
        if (Entry* const entry = find(state, id)) entry->progress = std::move(progress);
    });
}

std::vector<Operation> Operations::since(std::uint64_t version) const {
    auto entries = state_.with([&](const State& state) {
        std::vector<Entry> changed;
        for (const Entry& entry : state.entries)
            if (entry.operation.version > version || entry.progress) changed.push_back(entry);
        return changed;
    });
    std::vector<Operation> operations;
    for (Entry& entry : entries) {
        const auto fed = entry.progress ? entry.progress() : std::vector<std::uint64_t>{};
        auto& legs = entry.operation.legs;
        for (std::size_t i = 0; i < std::min(fed.size(), legs.size()); ++i) legs[i].fed = fed[i];
        operations.push_back(std::move(entry.operation));
    }
    return operations;
}

void Operations::ring_on_change(std::shared_ptr<base::Bell> bell) {
    state_.with([&](State& state) { state.bell = std::move(bell); });
}

void Operations::ring() const {
    const auto bell = state_.with([](const State& state) { return state.bell; });
    if (bell) bell->ring();
}

void merge(std::vector<OperationLeg>& legs, std::span<const fleet::Outcome> outcomes,
           const std::function<std::string(fleet::UpstreamId)>& name) {
    for (const fleet::Outcome& outcome : outcomes) {
        const auto known = std::ranges::find(
            legs, outcome.upstream, [](const OperationLeg& leg) { return leg.outcome.upstream; });
        if (known == legs.end())
            legs.push_back({.host = name(outcome.upstream), .outcome = outcome});
        else if (known->outcome.kind != OutcomeKind::ok)
            known->outcome = outcome;
    }
}

}  // namespace espalier::dashboard
