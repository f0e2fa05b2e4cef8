#include "gateway/put_report.h"

#include <algorithm>

#include "fanout/fan.h"
#include "gateway/results.h"
#include "gateway/targets.h"
#include "protocol/event.h"

namespace espalier::gateway {
namespace {

constexpr std::size_t kReportBytesMax = 64UL * 1024;
constexpr int kReportKind = 1984;

// What keeps this from being a report of blobs, or nothing.
base::Result<void> check_report(std::string_view body) {
    const auto fail = [](const char* why) {
        return base::fail(base::ErrorKind::invalid, why, base::Origin::client);
    };
    const auto event = protocol::parse_event(body);
    if (!event) return std::unexpected(event.error());
    if (event->kind != kReportKind) return fail("a report is an event of kind 1984");
    if (!has_valid_id(*event)) return fail("the report's id is not that of its content");
    if (!has_valid_signature(*event)) return fail("the report's signature is wrong");
    const auto blobs = tag_values(*event, "x");
    const bool names_blobs =
        !blobs.empty() && std::ranges::all_of(blobs, [](std::string_view hash) {
            return protocol::BlobHash::parse(hash).has_value();
        });
    if (!names_blobs) return fail("a report names blobs: every x tag is a sha256, one at least");
    return {};
}

}  // namespace

http::Reply put_report(const Parts& parts, http::Request& request, const Account& account) {
    const auto deadline = base::Deadline::after(parts.options.timeout);
    const auto body = request.body.read_all(kReportBytesMax, deadline);
    if (!body) return http::Reply::of(body.error());
    if (const auto good = check_report(*body); !good) return http::Reply::of(good.error());

    auto& fleet = parts.network.fleet;
    const auto targets = choose_readable(fleet);
    std::vector<fanout::FanLeg> legs;
    for (const auto id : targets.chosen) {
        auto leg = fanout::request_to(fleet.at(id), "PUT", "/report", deadline);
        leg.headers.add("Content-Type", "application/json");
        leg.body = *body;
        legs.push_back({id, std::move(leg)});
    }
    auto outcomes = fan_out(parts.network, std::move(legs),
                            {.op = fleet::Op::report, .optional_endpoint = true});
    for (const auto& out : targets.left_out) fleet.record(fleet::Op::report, out);
    outcomes.insert(outcomes.end(), targets.left_out.begin(), targets.left_out.end());
    account.outcomes(outcomes);
    const auto verdict = fleet::judge_question(outcomes, "reports");
    if (verdict.decision != fleet::Decision::met) return error_reply(fleet, verdict, outcomes);
    http::Reply reply(200);
    reply.header("X-Upstream-Results", upstream_results(fleet, outcomes));
    return reply;
}

}  // namespace espalier::gateway
