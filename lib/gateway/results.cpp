#include "gateway/results.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace espalier::gateway {

using fleet::Outcome;

std::string upstream_results(const fleet::Fleet& fleet, std::span<const Outcome> outcomes) {
    constexpr std::size_t kBytesMax = 4096;
    std::string line;
    for (const Outcome& outcome : outcomes) {
        const auto one =
            base::text(line.empty() ? "" : ", ", fleet.host(outcome.upstream), '=', outcome.word());
        if (line.size() + one.size() > kBytesMax) break;
        line += one;
    }
    return line;
}

std::string error_body(const fleet::Fleet& fleet, std::string_view message,
                       std::span<const Outcome> outcomes) {
    nlohmann::ordered_json body{{"message", message}, {"upstreams", nlohmann::json::array()}};
    for (const Outcome& outcome : outcomes) {
        nlohmann::ordered_json one{{"host", fleet.host(outcome.upstream)}};
        const bool answered = outcome.status != 0 && outcome.sent;
        answered ? one["status"] = outcome.status : one["status"] = outcome.word();
        one["reason"] = outcome.kind == fleet::OutcomeKind::ok ? "ok" : outcome.reason;
        body["upstreams"].push_back(std::move(one));
    }
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

http::Reply error_reply(const fleet::Fleet& fleet, const fleet::Verdict& verdict,
                        std::span<const Outcome> outcomes) {
    auto reply = http::Reply::json(verdict.status, error_body(fleet, verdict.reason, outcomes));
    reply.reason(verdict.reason);
    reply.header("X-Upstream-Results", upstream_results(fleet, outcomes));
    if (verdict.retry_after)
        reply.header("Retry-After", base::text(verdict.retry_after->count()));
    else if (verdict.status == 503 || verdict.status == 429)
        reply.header("Retry-After", "1");
    return reply;
}

}  // namespace espalier::gateway
