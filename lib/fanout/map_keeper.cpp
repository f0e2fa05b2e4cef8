#include "fanout/map_keeper.h"

#include <algorithm>

#include "base/thread.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Seconds;
using base::Steady;
using fleet::BlobEntry;
using ledger::MapRow;

BlobEntry entry_from(const MapRow& row, fleet::UpstreamSet servers, Steady::time_point verified) {
    return {.servers = servers,
            .facts = {.size = row.size,
                      .type = row.type,
                      .last_modified = row.last_modified,
                      .sunset = row.sunset},
            .verified = verified};
}

}  // namespace

void MapKeeper::restore() {
    const auto rows = ledger_.load_map(options_.entries_max);
    if (!rows) {
        network_.log.warning("the map could not be restored", {{"reason", rows.error().reason}});
        return;
    }
    const auto servers = network_.fleet.by_url(network_.fleet.readable());
    const auto now = Steady::now();
    const auto today = network_.clock.unix_now();
    // The oldest first: where the map is smaller than the snapshot, the newest stay.
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
        fleet::UpstreamSet known;
        for (const auto& url : row->servers)
            if (const auto found = servers.find(url); found != servers.end())
                known.add(found->second);
        if (known.empty()) continue;
        const auto age =
            std::max<base::Milliseconds>(Seconds{today - row->time}, options_.verify_after);
        network_.map.restore({row->hash, entry_from(*row, known, now - age)});
    }
}

void MapKeeper::start() {
    thread_ = base::start_thread("map-keeper", [this](const std::stop_token&) { run(); });
}

void MapKeeper::stop() {
    if (!thread_.joinable()) return;
    stop_.ring();
    thread_.join();
    save();
}

void MapKeeper::run() {
    const bool at_intervals = options_.interval.count() > 0;
    while (!stop_.wait(at_intervals ? Deadline::after(options_.interval) : Deadline::never()))
        save();
}

void MapKeeper::save() {
    const auto now = Steady::now();
    const auto today = network_.clock.unix_now();
    std::vector<MapRow> rows;
    for (const auto& [hash, entry] : network_.map.newest(options_.entries_max, now)) {
        const auto age = std::chrono::duration_cast<Seconds>(now - entry.verified);
        auto& row = rows.emplace_back(MapRow{.hash = hash,
                                             .servers = {},
                                             .time = today - age.count(),
                                             .size = entry.facts.size,
                                             .type = std::string(entry.facts.type),
                                             .last_modified = entry.facts.last_modified,
                                             .sunset = entry.facts.sunset});
        for (const auto& upstream : network_.fleet.upstreams())
            if (entry.servers.has(upstream.id)) row.servers.push_back(upstream.url.text());
    }
    if (const auto saved = ledger_.save_map(rows); !saved)
        network_.log.warning("the map could not be saved", {{"reason", saved.error().reason}});
}

}  // namespace espalier::fanout
