#include "metrics/health.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <nlohmann/json.hpp>

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

Json server_json(const UpstreamSnapshot& one) {
    Json server{{"url", one.url}};
    add_tallies(server, one);
    server["consecutive_failures"] = one.consecutive_failures;
    server["is_healthy"] = one.healthy;
    server["is_suspect"] = one.suspect;
    server["is_paused"] = one.paused;
    // Absent until there was one.
    if (one.last_failure != 0) server["last_failure_time"] = timestamp(one.last_failure);
    if (one.last_success != 0) server["last_success_time"] = timestamp(one.last_success);
    server["last_error"] = one.last_error;
    server["in_flight"] = one.in_flight;
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

std::string dumped(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out.push_back(c);
        }
    }
    return out;
}

std::string cell(std::string_view text) {
    return "<td>" + escaped(text) + "</td>";
}
std::string cell(std::uint64_t number) {
    return "<td>" + std::to_string(number) + "</td>";
}

std::string state_word(const UpstreamSnapshot& one) {
    if (!one.healthy) return "unhealthy";
    if (one.suspect) return "suspect";
    return one.paused ? "paused" : "healthy";
}

std::string row(const UpstreamSnapshot& one) {
    std::string out = "<tr>" + cell(one.host) + cell(state_word(one));
    out += cell(tally(one, Op::upload).success) + cell(tally(one, Op::upload).failure);
    out += cell(tally(one, Op::download).success);
    out += cell(tally(one, Op::remove).success) + cell(tally(one, Op::remove).failure);
    out += cell(one.consecutive_failures) + cell(one.last_error);
    return out + "</tr>\n";
}

}  // namespace

int Condition::healthy_count() const {
    return static_cast<int>(std::ranges::count_if(upstreams, &UpstreamSnapshot::healthy));
}

std::string health_json(const Condition& condition) {
    Json servers = Json::object();
    for (const auto& one : condition.upstreams)
        servers[one.url] = {{"healthy", one.healthy},
                            {"consecutive_failures", one.consecutive_failures}};
    const Json threads{{"count", condition.vitals.threads},
                       {"max", condition.threads_max},
                       {"healthy", condition.enough_threads()}};
    return dumped({{"healthy", condition.healthy()},
                   {"healthy_count", condition.healthy_count()},
                   {"min_upload_servers", condition.min_upload_servers},
                   {"memory",
                    {{"bytes", condition.vitals.memory_bytes},
                     {"max", condition.memory_bytes_max},
                     {"healthy", condition.enough_memory()}}},
                   {"goroutines", threads},
                   {"threads", threads},
                   {"servers", servers}});
}

std::string stats_json(const Condition& condition) {
    Json servers = Json::object();
    Json totals = Json::object();
    add_tallies(totals, UpstreamSnapshot{});
    for (const auto& one : condition.upstreams) {
        servers[one.url] = server_json(one);
        add_tallies(totals, one);
    }
    const Json threads{{"count", condition.vitals.threads}, {"max", condition.threads_max}};
    return dumped(
        {{"servers", servers},
         {"totals", totals},
         {"memory",
          {{"bytes", condition.vitals.memory_bytes}, {"max", condition.memory_bytes_max}}},
         {"goroutines", threads},
         {"threads", threads},
         {"healthy_count", condition.healthy_count()},
         {"total_servers", condition.upstreams.size()},
         {"missing_replicas", condition.missing_replicas},
         {"uptime_seconds", condition.uptime_seconds},
         {"version", condition.version}});
}

std::string stats_page(const Condition& condition) {
    std::string page =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Espalier</title>"
        "<style>body{font:16px/1.5 system-ui;margin:2rem}td,th{padding:.2rem .8rem;"
        "text-align:left}</style></head><body><h1>Espalier</h1>\n";
    page += "<p>" + std::string(condition.healthy() ? "Healthy" : "Unhealthy") + ": " +
            std::to_string(condition.healthy_count()) + " of " +
            std::to_string(condition.upstreams.size()) + " servers are well, an upload needs " +
            std::to_string(condition.min_upload_servers) + ". Memory " +
            std::to_string(condition.vitals.memory_bytes >> 20U) + " of " +
            std::to_string(condition.memory_bytes_max >> 20U) + " MiB, threads " +
            std::to_string(condition.vitals.threads) + " of " +
            std::to_string(condition.threads_max) + ".</p>\n";
    page +=
        "<table><tr><th>Server</th><th>State</th><th>Uploads</th><th>failed</th>"
        "<th>Downloads</th><th>Deletes</th><th>failed</th><th>Faults in a row</th>"
        "<th>Last error</th></tr>\n";
    for (const auto& one : condition.upstreams) page += row(one);
    page +=
        "</table><p><a href=\"/stats\">/stats</a> <a href=\"/health\">/health</a> "
        "<a href=\"/metrics\">/metrics</a></p></body></html>\n";
    return page;
}

}  // namespace espalier::metrics
