// Upstreams and outcomes for tests of the fleet.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "fleet/outcome.h"
#include "fleet/upstream.h"

namespace espalier::test {

inline fleet::Upstream upstream(fleet::UpstreamId id, const std::string& url = {}) {
    auto parsed = engine::Url::parse(url.empty() ? base::text("https://up", id, ".example") : url);
    ESPALIER_CHECK(parsed.has_value());
    return {.id = id, .url = std::move(*parsed), .connect_to = {}, .max_token_age = {}};
}

// Ids 0, 1, 2, …; "https://up0.example" and so on.
inline std::vector<fleet::Upstream> upstreams(int count) {
    std::vector<fleet::Upstream> all;
    all.reserve(static_cast<std::size_t>(count));
    for (int id = 0; id < count; ++id) all.push_back(upstream(static_cast<fleet::UpstreamId>(id)));
    return all;
}

// An answer over HTTP.
inline fleet::Outcome answer(fleet::OutcomeKind kind, int status) {
    return {.kind = kind, .status = status, .reason = {}, .retry_after = {}};
}
inline fleet::Outcome ok(int status = 201) {
    return answer(fleet::OutcomeKind::ok, status);
}
inline fleet::Outcome client(int status) {
    return answer(fleet::OutcomeKind::client_fault, status);
}
inline fleet::Outcome fault(int status) {
    return answer(fleet::OutcomeKind::upstream_fault, status);
}
inline fleet::Outcome pay() {
    return answer(fleet::OutcomeKind::pay, 402);
}
inline fleet::Outcome absent(int status = 404) {
    return answer(fleet::OutcomeKind::capability, status);
}
inline fleet::Outcome throttle(int retry_after = 0) {
    auto outcome = answer(fleet::OutcomeKind::throttle, 429);
    if (retry_after > 0) outcome.retry_after = base::Seconds{retry_after};
    return outcome;
}
// No answer over HTTP.
inline fleet::Outcome broke(fleet::Break how) {
    return {
        .kind = fleet::OutcomeKind::upstream_fault, .broken = how, .reason = {}, .retry_after = {}};
}
inline fleet::Outcome timeout() {
    return broke(fleet::Break::timeout);
}
inline fleet::Outcome refused() {
    return broke(fleet::Break::refused);
}
inline fleet::Outcome cancelled() {
    return {.kind = fleet::OutcomeKind::cancelled, .reason = {}, .retry_after = {}};
}
inline fleet::Outcome pending() {
    return {.reason = {}, .retry_after = {}};
}
// Left out before anything was sent.
inline fleet::Outcome out_of_scope() {
    return fleet::left_out(0, fleet::OutcomeKind::out_of_scope, 401, "no server tag for it");
}
inline fleet::Outcome paused() {
    return fleet::left_out(0, fleet::OutcomeKind::upstream_fault, 503, "it asked us to pause");
}
inline fleet::Outcome left_out_by_rule(int status) {
    return fleet::left_out(0, fleet::OutcomeKind::client_fault, status, "it would not take this");
}

}  // namespace espalier::test
