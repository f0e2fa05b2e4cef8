#include "fanout/network.h"

namespace espalier::fanout {
namespace {

using fleet::OutcomeKind;

// Misses of lookups and the like are everyday answers, a server's fault is not.
base::Level level_of(fleet::Op op, OutcomeKind kind) {
    if (kind == OutcomeKind::upstream_fault) return base::Level::warning;
    const bool everyday = op == fleet::Op::lookup || op == fleet::Op::probe ||
                          op == fleet::Op::capability || kind == OutcomeKind::ok ||
                          kind == OutcomeKind::cancelled;
    return everyday ? base::Level::debug : base::Level::info;
}

void log_outcome(const Network& network, fleet::Op op, const fleet::Outcome& outcome) {
    const auto level = level_of(op, outcome.kind);
    if (!network.log.enabled(level)) return;
    network.log.write(level, "upstream answered",
                      {{"upstream", network.fleet.host(outcome.upstream)},
                       {"op", name_of(op)},
                       {"outcome", name_of(outcome.kind)},
                       {"status", outcome.word()},
                       {"ms", outcome.elapsed.count()},
                       {"reason", outcome.reason}});
}

}  // namespace

engine::TransferRequest request_to(const fleet::Upstream& upstream, std::string_view method,
                                   std::string_view path, base::Deadline deadline) {
    engine::TransferRequest request;
    request.method = method;
    request.url = upstream.url.with_path(path);
    request.connect_to = upstream.connect_to;
    request.verify_tls = upstream.verify_tls;
    request.at_once_max = upstream.in_flight_max;
    request.deadline = deadline;
    return request;
}

void limit(engine::TransferRequest& request, const std::shared_ptr<engine::Rate>& rate) {
    if (rate) request.rates.push_back(rate);
}

void count_stored(const Network& network, ledger::Ledger& ledger, const fleet::Upstream& upstream,
                  std::int64_t bytes) {
    if (upstream.quota_bytes == 0) return;
    network.fleet.count_stored(upstream.id, bytes);
    static_cast<void>(ledger.count_stored(upstream.url.text(), bytes));
}

engine::Transfer start(Network& network, const fleet::Upstream& upstream,
                       engine::TransferRequest request, std::shared_ptr<base::Bell> bell) {
    network.fleet.count_in_flight(upstream.id, +1);
    return network.engine.start(std::move(request), std::move(bell));
}

void record(Network& network, fleet::Op op, const fleet::Outcome& outcome,
            const engine::TransferState& state) {
    network.fleet.count_in_flight(outcome.upstream, -1);
    network.fleet.count_bytes(outcome.upstream, state.bytes_sent, state.bytes_received);
    network.fleet.record(op, outcome);
    log_outcome(network, op, outcome);
}

}  // namespace espalier::fanout
