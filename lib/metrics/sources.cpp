#include "metrics/sources.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "metrics/condition.h"

namespace espalier::metrics {
namespace {

void describe_quantiles(Exposition& out, const fleet::UpstreamSnapshot& one, fleet::Op op,
                        const fleet::Quantiles& quantiles) {
    if (quantiles.count == 0) return;
    constexpr auto kName = "blossom_gw_upstream_recent_seconds";
    constexpr auto kHelp = "How long answers took over the last five minutes";
    const auto add = [&](std::string_view percentile, base::Milliseconds took) {
        out.gauge(kName, kHelp, static_cast<double>(took.count()) / 1000,
                  {{"upstream", one.host}, {"op", name_of(op)}, {"percentile", percentile}});
    };
    add("50", quantiles.p50);
    add("95", quantiles.p95);
}

void describe_offerings(Exposition& out, const fleet::UpstreamSnapshot& one) {
    for (const auto endpoint : fleet::kEndpoints) {
        const auto offered = one.offers[static_cast<std::size_t>(endpoint)].offered;
        if (offered == fleet::Capability::unknown) continue;
        out.gauge("blossom_gw_upstream_capability", "1 where the upstream has the endpoint",
                  offered == fleet::Capability::yes ? 1 : 0,
                  {{"upstream", one.host}, {"endpoint", name_of(endpoint)}});
    }
    if (one.clock_skew)
        out.gauge("blossom_gw_upstream_clock_skew_seconds", "How far its clock is ahead of ours",
                  static_cast<double>(*one.clock_skew), {{"upstream", one.host}});
}

void describe_latency(Exposition& out, const fleet::UpstreamSnapshot& one, fleet::Op op,
                      const fleet::LatencyCounts& took) {
    std::array<double, fleet::kLatencySteps.size()> seconds{};
    std::ranges::transform(fleet::kLatencySteps, seconds.begin(),
                           [](std::int64_t ms) { return static_cast<double>(ms) / 1000; });
    out.histogram("blossom_gw_upstream_latency_seconds", "How long answers took", seconds,
                  took.counts, static_cast<double>(took.sum_ms) / 1000,
                  {{"upstream", one.host}, {"op", name_of(op)}});
}

// 0 unhealthy, 1 suspect, 2 paused, 3 healthy.
int number_of_state(const fleet::UpstreamSnapshot& one) {
    constexpr std::array<std::string_view, 4> kStates{"unhealthy", "suspect", "paused", "healthy"};
    return static_cast<int>(std::ranges::find(kStates, state_of(one)) - kStates.begin());
}

// What there is no figure for yet has no sample.
void describe_recent(Exposition& out, const fleet::UpstreamSnapshot& one) {
    describe_quantiles(out, one, fleet::Op::lookup, one.recent.lookups);
    describe_quantiles(out, one, fleet::Op::upload, one.recent.uploads);
    const auto add_ratio = [&](std::string_view window, const fleet::Tally& tally) {
        if (const auto ratio = tally.ratio())
            out.gauge("blossom_gw_upstream_success_ratio",
                      "Exchanges without a fault of the upstream's, of all lately", *ratio,
                      {{"upstream", one.host}, {"window", window}});
    };
    add_ratio("5m", one.recent.last_5_minutes);
    add_ratio("1h", one.recent.last_hour);
    if (one.probe_age)
        out.gauge("blossom_gw_upstream_probe_age_seconds", "Since the last probe ended",
                  static_cast<double>(*one.probe_age), {{"upstream", one.host}});
}

void describe_one(Exposition& out, const fleet::UpstreamSnapshot& one) {
    const Label upstream{"upstream", one.host};
    out.gauge("blossom_gw_upstream_healthy", "1 while the upstream counts as healthy",
              one.healthy ? 1 : 0, {upstream});
    out.gauge("blossom_gw_upstream_suspect", "1 after a connection fault, until a success",
              one.suspect ? 1 : 0, {upstream});
    out.gauge("blossom_gw_upstream_consecutive_failures", "Upstream faults in a row",
              static_cast<double>(one.consecutive_failures), {upstream});
    out.gauge("blossom_gw_upstream_inflight", "Exchanges under way",
              static_cast<double>(one.in_flight), {upstream});
    constexpr auto kBytes = "blossom_gw_upstream_bytes_total";
    constexpr auto kBytesHelp = "Body bytes exchanged with the upstream";
    out.counter(kBytes, kBytesHelp, one.bytes_up, {upstream, {"dir", "up"}});
    out.counter(kBytes, kBytesHelp, one.bytes_down, {upstream, {"dir", "down"}});
    for (std::size_t op = 0; op < fleet::kOps; ++op) {
        constexpr auto kName = "blossom_gw_upstream_requests_total";
        constexpr auto kHelp = "Operations by result";
        const Label name{"op", name_of(static_cast<fleet::Op>(op))};
        out.counter(kName, kHelp, one.tallies[op].success,
                    {upstream, name, {"outcome", "success"}});
        out.counter(kName, kHelp, one.tallies[op].failure,
                    {upstream, name, {"outcome", "failure"}});
    }
    constexpr auto kFirst = static_cast<std::size_t>(fleet::OutcomeKind::pending) + 1;
    for (std::size_t kind = kFirst; kind < one.outcomes.size(); ++kind)
        out.counter("blossom_gw_upstream_outcomes_total", "Operations by kind of outcome",
                    one.outcomes[kind],
                    {upstream, {"kind", name_of(static_cast<fleet::OutcomeKind>(kind))}});
    out.gauge("blossom_gw_upstream_state", "0 unhealthy, 1 suspect, 2 paused, 3 healthy",
              number_of_state(one), {upstream});
    out.counter("blossom_gw_hash_mismatch_total", "Times it sent or stored other bytes than named",
                one.failures[static_cast<std::size_t>(fleet::Failure::wrong_hash)], {upstream});
    out.counter("blossom_gw_out_of_scope_total", "Times a token did not name it",
                one.failures[static_cast<std::size_t>(fleet::Failure::out_of_scope)], {upstream});
    for (std::size_t i = 0; i < one.failures.size(); ++i)
        out.counter("blossom_gw_upstream_failures_total", "Failures by what an operator calls them",
                    one.failures[i], {upstream, {"kind", name_of(static_cast<fleet::Failure>(i))}});
    describe_latency(out, one, fleet::Op::lookup, one.lookups_took);
    describe_latency(out, one, fleet::Op::upload, one.uploads_took);
    describe_recent(out, one);
    describe_offerings(out, one);
}

}  // namespace

void describe(Exposition& out, const std::vector<fleet::UpstreamSnapshot>& upstreams) {
    for (const auto& one : upstreams) describe_one(out, one);
}

void describe(Exposition& out, const fleet::BlobMap::Snapshot& map) {
    out.gauge("blossom_gw_map_entries", "Blobs whose replicas are known",
              static_cast<double>(map.entries));
    out.gauge("blossom_gw_map_bytes", "Memory of the map", static_cast<double>(map.bytes));
    out.counter("blossom_gw_map_evicted_total", "Entries that made room for others", map.evicted);
    for (std::size_t n = 1; n < map.copies.size(); ++n)
        if (map.copies[n] != 0)
            out.gauge("blossom_gw_replicas", "Blobs on the map by how many copies they have",
                      map.copies[n], {{"copies", base::text(n)}});
}

void describe(Exposition& out, const fanout::Locator::Snapshot& locator) {
    out.counter("blossom_gw_lookups_total", "Lookups that asked the upstreams", locator.started);
    out.counter("blossom_gw_coalesced_total", "Requests that joined a lookup under way",
                locator.shared);
    out.counter("blossom_gw_negative_hits_total", "Misses answered from memory",
                locator.negative_hits);
}

void describe(Exposition& out, const fanout::Remainders::Snapshot& remainders) {
    out.gauge("blossom_gw_deletes_waiting", "Copies to be deleted behind the reply",
              static_cast<double>(remainders.waiting));
    constexpr auto kName = "blossom_gw_deletes_behind_total";
    constexpr auto kHelp = "Copies that a delete did not reach at once, by what became of them";
    out.counter(kName, kHelp, remainders.deleted, {{"result", "deleted"}});
    out.counter(kName, kHelp, remainders.given_up, {{"result", "given_up"}});
    out.counter(kName, kHelp, remainders.turned_away, {{"result", "turned_away"}});
}

void describe(Exposition& out, const fanout::Repairer::Snapshot& repairer) {
    out.gauge("blossom_gw_repairs_running", "Missing copies that are being brought",
              static_cast<double>(repairer.running));
    out.gauge("blossom_gw_repair_tokens", "Missing copies for which a client's token is kept",
              static_cast<double>(repairer.errands));
    for (std::size_t i = 0; i < repairer.ended.size(); ++i)
        out.counter("blossom_gw_repair_total", "Attempts to bring a missing copy, by their end",
                    repairer.ended[i],
                    {{"result", std::string(name_of(static_cast<fanout::RepairEnd>(i)))}});
}

void describe(Exposition& out, const engine::Engine::Snapshot& engine) {
    out.gauge("blossom_gw_transfers", "Exchanges with upstreams under way",
              static_cast<double>(engine.transfers));
    out.gauge("blossom_gw_transfers_waiting", "Exchanges that wait for an upstream's max_inflight",
              static_cast<double>(engine.waiting));
    out.counter("blossom_gw_transfers_turned_away_total",
                "Exchanges that max_inflight kept from being made", engine.turned_away);
    out.counter("blossom_gw_transfers_total", "Exchanges with upstreams begun", engine.started);
    out.counter("blossom_gw_upstream_connections_total", "Connections to upstreams opened",
                engine.connections_opened);
}

void describe(Exposition& out, const http::Server::Snapshot& server) {
    out.gauge("blossom_gw_connections", "Client connections",
              static_cast<double>(server.connections));
    out.gauge("blossom_gw_workers", "Worker threads", static_cast<double>(server.workers));
    out.gauge("blossom_gw_workers_busy", "Worker threads with a request",
              static_cast<double>(server.workers_busy));
    out.gauge("blossom_gw_parked", "Connections waiting without a worker",
              static_cast<double>(server.parked));
    out.counter("blossom_gw_instant_total", "Requests answered by a reactor", server.instant);
    out.counter("blossom_gw_connections_refused_total", "Connections over max_connections",
                server.connections_refused);
    out.counter("blossom_gw_refused_heads_total", "Requests refused by the head check",
                server.refused_heads);
    out.counter("blossom_gw_overloaded_total", "Requests refused for want of a worker",
                server.overloaded);
}

void describe(Exposition& out, const Vitals& vitals) {
    out.gauge("blossom_gw_memory_bytes", "Anonymous memory in RAM",
              static_cast<double>(vitals.memory_bytes));
    out.gauge("blossom_gw_threads", "Threads of the process", static_cast<double>(vitals.threads));
    out.gauge("process_open_fds", "Open file descriptors", static_cast<double>(count_open_files()));
    out.counter("process_cpu_seconds_total", "User and system CPU time", vitals.cpu_seconds);
}

}  // namespace espalier::metrics
