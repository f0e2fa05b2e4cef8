#include "dashboard/snapshot.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "metrics/stats.h"

namespace espalier::dashboard {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const std::string& text, Viewer viewer) {
    return viewer == Viewer::admin ? text : base::abridged(text);
}

Json leg_json(const OperationLeg& leg, Viewer viewer) {
    const auto& outcome = leg.outcome;
    Json json{{"host", leg.host},
              {"status", outcome.word()},
              {"kind", name_of(outcome.kind)},
              {"sent", outcome.sent},
              {"ms", outcome.elapsed.count()},
              {"reason", shown(outcome.reason, viewer)}};
    if (leg.fed && outcome.kind == fleet::OutcomeKind::pending) json["fed"] = *leg.fed;
    return json;
}

Json operation_json(const Operation& one, Viewer viewer) {
    auto servers = Json::array();
    for (const auto& leg : one.legs) servers.push_back(leg_json(leg, viewer));
    Json json{{"id", one.id},
              {"time", one.begun},
              {"what", one.what},
              {"hash", shown(one.hash, viewer)},
              {"pubkey", shown(one.pubkey, viewer)},
              {"size", one.size ? Json(*one.size) : Json(nullptr)},
              {"status", one.status},
              {"reason", shown(one.reason, viewer)},
              {"ms", one.took.count()},
              {"over", one.is_over()},
              {"servers", servers}};
    if (viewer == Viewer::admin) json["request"] = one.request_id;
    return json;
}

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// With a tenth's precision; nothing is null.
Json number(std::optional<double> value) {
    return value ? Json(std::round(*value * 10) / 10) : Json(nullptr);
}

std::string samples_json(const std::vector<Sample>& samples) {
    auto all = Json::array();
    for (const Sample& one : samples)
        all.push_back({one.at, number(one.requests), std::round(one.bytes_up),
                       std::round(one.bytes_down), number(one.lookup_p50), number(one.lookup_p95),
                       number(one.upload_p50), number(one.upload_p95)});
    return text_of(all);
}

}  // namespace

std::string operations_json(const std::vector<Operation>& operations, Viewer viewer) {
    auto all = Json::array();
    for (const auto& one : operations) all.push_back(operation_json(one, viewer));
    return text_of(all);
}

std::string snapshot_json(const metrics::Condition& condition,
                          const std::vector<Operation>& operations,
                          const std::vector<Sample>& samples, int indent) {
    auto json = metrics::stats_json(condition, indent);
    // The lists are long: each stands in one line, and is written once.
    json.resize(json.find_last_not_of("\n}") + 1);
    const auto* const line = indent < 0 ? "" : "\n";
    const auto* const gap = indent < 0 ? "" : "  ";
    return base::text(json, ',', line, gap, "\"operations\":", line[0] == 0 ? "" : " ",
                      operations_json(operations, Viewer::anyone), ',', line, gap,
                      "\"timeline\":", line[0] == 0 ? "" : " ", samples_json(samples), line, '}');
}

}  // namespace espalier::dashboard
