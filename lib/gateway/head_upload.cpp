#include "gateway/head_upload.h"

#include <algorithm>

#include "base/text.h"
#include "fanout/fan.h"
#include "gateway/results.h"
#include "gateway/targets.h"

namespace espalier::gateway {
namespace {

using base::ErrorKind;
using fleet::Outcome;
using fleet::OutcomeKind;
using http::refuse;

// The upload that is asked about, or why nobody needs to be asked.
std::expected<Offer, http::Reply> read_offer(const Options& options, const http::Head& head) {
    const auto refused = [](ErrorKind kind, std::string reason) {
        return std::unexpected(refuse(kind, std::move(reason)));
    };
    const auto header = head.header("X-Content-Length");
    if (!header) return refused(ErrorKind::length_required, "X-Content-Length is missing");
    const auto bytes = base::parse_number(base::trim(*header));
    if (!bytes) return refused(ErrorKind::invalid, "X-Content-Length must be a number");
    if (*bytes > options.upload_bytes_max)
        return refused(ErrorKind::too_large, base::text("an upload may have at most ",
                                                        options.upload_bytes_max, " bytes"));
    return Offer{
        .quorum = options.min_upload_servers, .bytes = bytes, .type = head.value("X-Content-Type")};
}

// An upstream that does not offer the question may well accept the upload.
void take_silence_for_yes(std::vector<Outcome>& outcomes) {
    for (Outcome& outcome : outcomes)
        if (outcome.kind == OutcomeKind::capability) outcome.kind = OutcomeKind::ok;
}

int accepted(const std::vector<Outcome>& outcomes) {
    return static_cast<int>(std::ranges::count_if(outcomes, [](const Outcome& outcome) {
        return outcome.kind == OutcomeKind::ok || outcome.kind == OutcomeKind::capability;
    }));
}

// Clients that ask without a token sign only when they are told 401 (sheet A.5), so that a yes
// must hold without one.
bool enough_take_anybody(const fleet::Fleet& fleet, const std::vector<fleet::UpstreamId>& chosen,
                         int quorum) {
    return std::ranges::count_if(
               chosen, [&](auto id) { return fleet.at(id).auth == fleet::Auth::none; }) >= quorum;
}

base::Headers question(const http::Head& head, const std::string& token) {
    base::Headers headers;
    for (const auto name : {"X-SHA-256", "X-Content-Length", "X-Content-Type"})
        if (const auto value = head.header(name)) headers.add(name, *value);
    if (!token.empty()) headers.add("Authorization", token);
    return headers;
}

// Nothing: the upstream cannot be asked, which is no refusal.
std::optional<fanout::FanLeg> question_for(const Parts& parts, const http::Request& request,
                                           const Admission& admission,
                                           const fleet::Upstream& upstream,
                                           const std::optional<protocol::BlobHash>& hash,
                                           Purpose purpose) {
    const bool is_media = purpose == Purpose::media;
    const auto offering = parts.network.fleet.offering(upstream.id, fleet::Endpoint::upload_head);
    if (!is_media && offering.offered == fleet::Capability::no) return std::nullopt;
    // Nobody can sign for a blob that has no name yet.
    if (upstream.auth == fleet::Auth::service_key && !hash) return std::nullopt;
    const auto token = authorization_for_blob(parts, upstream, admission, verb_of(purpose), hash);
    auto leg = fanout::request_to(upstream, "HEAD", is_media ? "/media" : "/upload",
                                  base::Deadline::after(parts.options.timeout));
    leg.headers = question(request.head, token);
    return fanout::FanLeg{upstream.id, std::move(leg)};
}

}  // namespace

http::Reply head_upload(const Parts& parts, const http::Request& request, Purpose purpose) {
    const auto hash = promised_hash(request.head);
    if (!hash) return http::Reply::of(hash.error());
    const auto admission = admit(parts, request, verb_of(purpose), *hash);
    if (!admission) return admission.error();
    auto offer = read_offer(parts.options, request.head);
    if (!offer) return std::move(offer).error();

    auto& fleet = parts.network.fleet;
    const bool is_media = purpose == Purpose::media;
    const int quorum = offer->quorum = is_media ? 1 : offer->quorum;
    auto targets = choose_targets(fleet, admission->caller, parts.network.clock.unix_now(), *offer);
    if (is_media && !leave_one_maker(parts.network, targets, parts.options.lookup_timeout))
        return nobody_makes_media();
    const bool must_sign =
        admission->raw_header.empty() && !enough_take_anybody(fleet, targets.chosen, quorum);
    for (const Outcome& out : targets.left_out) fleet.record(fleet::Op::preflight, out);
    std::vector<Outcome> outcomes = std::move(targets.left_out);
    std::vector<fanout::FanLeg> legs;
    for (const auto id : targets.chosen) {
        auto leg = question_for(parts, request, *admission, fleet.at(id), *hash, purpose);
        if (leg)
            legs.push_back(std::move(*leg));
        else
            outcomes.push_back(left_out(id, OutcomeKind::ok, 200, {}));
    }
    const auto required = is_media ? fleet::UpstreamSet{} : fleet.required();
    const int granted = accepted(outcomes);
    const auto asked =
        fan_out(parts.network, std::move(legs),
                {.op = fleet::Op::preflight,
                 .optional_endpoint = true,
                 .retries_max = parts.options.retries_max,
                 .enough = [=](const std::vector<Outcome>& so_far) {
                     return granted + accepted(so_far) >= quorum &&
                            judge(so_far, 0, required).decision == fleet::Decision::met;
                 }});
    std::ranges::copy(asked, std::back_inserter(outcomes));
    if (is_media && outcomes.size() == 1 && outcomes.front().kind == OutcomeKind::capability)
        return nobody_makes_media();
    take_silence_for_yes(outcomes);
    const auto verdict = judge(outcomes, quorum, required);
    if (verdict.decision != fleet::Decision::met) {
        auto reply = error_reply(fleet, verdict, outcomes);
        parts.payments.demand(reply, outcomes, *hash, admission->caller, base::Steady::now());
        return reply;
    }
    if (must_sign) return refuse(ErrorKind::unauthorized, "the servers want a token (kind 24242)");
    http::Reply reply(200);
    reply.header("X-Upstream-Results", upstream_results(fleet, outcomes));
    return reply;
}

}  // namespace espalier::gateway
