#include "metrics/stats.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace espalier::metrics {
namespace {

using Json = nlohmann::ordered_json;
using fleet::Op;
using fleet::UpstreamSnapshot;

fleet::Tally tally(const UpstreamSnapshot& one, Op op) {
    return one.tallies[static_cast<std::size_t>(op)];
}

// RFC 3339, as the Go original writes it.
std::string timestamp(std::int64_t unix_time) {
    std::tm parts{};
    const std::time_t time = unix_time;
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void add_tallies(Json& into, const UpstreamSnapshot& one) {
    const auto add = [&](const char* name, std::uint64_t value) {
        into[name] = into.value(name, std::uint64_t{0}) + value;
    };
    add("uploads_success", tally(one, Op::upload).success);
    add("uploads_failure", tally(one, Op::upload).failure);
    add("downloads", tally(one, Op::download).success);
    add("mirrors_success", tally(one, Op::mirror).success);
    add("mirrors_failure", tally(one, Op::mirror).failure);
    add("deletes_success", tally(one, Op::remove).success);
    add("deletes_failure", tally(one, Op::remove).failure);
    add("lists_success", tally(one, Op::list).success);
    add("lists_failure", tally(one, Op::list).failure);
}

Json quantiles_json(const fleet::Quantiles& quantiles) {
    return {
        {"count", quantiles.count}, {"p50", quantiles.p50.count()}, {"p95", quantiles.p95.count()}};
}

// Null when nothing happened.
Json ratio_json(const fleet::Tally& one) {
    const auto ratio = one.ratio();
    return ratio ? Json(*ratio) : Json(nullptr);
}

void add_recent(Json& into, const UpstreamSnapshot& one) {
    into["lookup_ms"] = quantiles_json(one.recent.lookups);
    into["upload_ms"] = quantiles_json(one.recent.uploads);
    into["success_ratio_5m"] = ratio_json(one.recent.last_5_minutes);
    into["success_ratio_1h"] = ratio_json(one.recent.last_hour);
    if (one.probe_age) into["last_probe_seconds_ago"] = *one.probe_age;
}

Json refuses_json(const UpstreamSnapshot& one) {
    Json json = Json::object();
    if (const auto bytes = one.refuses.bytes_from) json["bytes_from"] = *bytes;
    json["types"] = one.refuses.types;
    return json;
}

std::string_view word_for(fleet::Capability capability) {
    switch (capability) {
        case fleet::Capability::yes:
            return "yes";
        case fleet::Capability::no:
            return "no";
        case fleet::Capability::unknown:
            break;
    }
    return "unknown";
}

Json offerings_json(const UpstreamSnapshot& one) {
    Json json = Json::object();
    for (const auto endpoint : fleet::kEndpoints) {
        const auto& offering = one.offers[static_cast<std::size_t>(endpoint)];
        Json& entry = json[std::string(name_of(endpoint))];
        entry["offered"] = word_for(offering.offered);
        if (offering.configured) entry["source"] = "config";
        if (offering.probed_at == 0) continue;
        entry["source"] = "probed";
        entry["probed_at"] = timestamp(offering.probed_at);
        entry["needs_token"] = offering.needs_token;
    }
    return json;
}

// What exchanges failed of; those that none failed of are left out.
Json failures_json(const UpstreamSnapshot& one) {
    Json json = Json::object();
    for (std::size_t i = 0; i < one.failures.size(); ++i)
        if (one.failures[i] != 0)
            json[std::string(name_of(static_cast<fleet::Failure>(i)))] = one.failures[i];
    return json;
}

Json server_json(const UpstreamSnapshot& one) {
    Json server{{"url", one.url}, {"host", one.host}};
    add_tallies(server, one);
    server["consecutive_failures"] = one.consecutive_failures;
    server["is_healthy"] = one.healthy;
    server["state"] = state_of(one);
    server["mode"] = name_of(one.mode);
    server["priority"] = one.priority;
    server["is_suspect"] = one.suspect;
    server["is_paused"] = one.paused;
    // Absent until there was one.
    if (one.last_failure != 0) server["last_failure_time"] = timestamp(one.last_failure);
    if (one.last_success != 0) server["last_success_time"] = timestamp(one.last_success);
    server["last_error"] = base::abridged(one.last_error);
    if (!one.last_error_op.empty()) server["last_error_op"] = one.last_error_op;
    server["failures"] = failures_json(one);
    server["in_flight"] = one.in_flight;
    server["in_flight_max"] = one.in_flight_max;
    server["bytes_up"] = one.bytes_up;
    if (one.quota_bytes != 0)
        server["quota"] = {{"bytes", one.quota_bytes}, {"used", one.stored_bytes}};
    server["bytes_down"] = one.bytes_down;
    add_recent(server, one);
    server["refuses"] = refuses_json(one);
    server["capabilities"] = offerings_json(one);
    if (one.clock_skew) server["clock_skew_seconds"] = *one.clock_skew;
    return server;
}

// [n] of "blobs_by_copies": blobs on the map with so many copies, up to as many as there are
// servers.
Json replication_json(const Condition& condition) {
    const auto& replication = condition.replication;
    auto copies = Json::array();
    for (std::size_t n = 0; n <= condition.upstreams.size() && n < replication.copies.size(); ++n)
        copies.push_back(replication.copies[n]);
    Json repairs{{"running", replication.repairs.running}};
    for (std::size_t i = 0; i < replication.repairs.ended.size(); ++i)
        repairs[std::string(name_of(static_cast<fanout::RepairEnd>(i)))] =
            replication.repairs.ended[i];
    Json json{{"blobs_by_copies", copies},
              {"missing_copies", replication.missing},
              {"tombstones", replication.tombstones},
              {"repairs", repairs}};
    if (replication.oldest_missing)
        json["oldest_missing_seconds"] =
            std::max<std::int64_t>(condition.now - *replication.oldest_missing, 0);
    return json;
}

Json reads_json(const Condition& condition) {
    const auto& reads = condition.reads;
    return {{"map_entries", condition.replication.map_entries},
            {"map_hits", reads.map_hits},
            {"map_misses", reads.map_misses},
            {"negative_hits", reads.negative_hits},
            {"coalesced", reads.coalesced},
            {"redirects", reads.redirects},
            {"proxied", reads.proxied},
            {"proxied_bytes", reads.proxied_bytes},
            {"failovers", reads.failovers},
            {"not_found", reads.not_found}};
}

Json refusals_json(const Condition& condition) {
    Json json = Json::object();
    for (const auto& [reason, count] : condition.refusals)
        if (count != 0) json[std::string(reason)] = count;
    return json;
}

}  // namespace

std::string stats_json(const Condition& condition, int indent) {
    Json servers = Json::object();
    Json totals = Json::object();
    add_tallies(totals, UpstreamSnapshot{});
    for (const auto& one : condition.upstreams) {
        servers[one.url] = server_json(one);
        add_tallies(totals, one);
    }
    const Json threads{{"count", condition.vitals.threads}, {"max", condition.threads_max}};
    const Json stats{
        {"servers", servers},
        {"totals", totals},
        {"memory", {{"bytes", condition.vitals.memory_bytes}, {"max", condition.memory_bytes_max}}},
        {"goroutines", threads},
        {"threads", threads},
        {"healthy_count", condition.healthy_count()},
        {"total_servers", condition.upstreams.size()},
        {"min_upload_servers", condition.min_upload_servers},
        {"state", name_of(condition.state())},
        {"state_in_words", condition.state_in_words()},
        {"missing_replicas", condition.replication.missing},
        {"replication", replication_json(condition)},
        {"reads", reads_json(condition)},
        {"auth_refusals", refusals_json(condition)},
        {"rate_limited", condition.rate_limited},
        {"requests", condition.requests},
        {"mode", condition.mode},
        {"time", condition.now},
        {"uptime_seconds", condition.uptime_seconds},
        {"version", condition.version}};
    return stats.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace espalier::metrics
