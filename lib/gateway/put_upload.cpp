#include "gateway/put_upload.h"

#include <algorithm>

#include "base/text.h"
#include "fanout/blob_head.h"
#include "fanout/fan.h"
#include "fanout/upload.h"
#include "gateway/replicas.h"
#include "gateway/results.h"
#include "gateway/targets.h"
#include "protocol/mime.h"

namespace espalier::gateway {
namespace {

using base::Deadline;
using base::ErrorKind;
using base::Seconds;
using fleet::Decision;
using fleet::Outcome;
using fleet::OutcomeKind;
using http::refuse;
using protocol::BlobHash;

http::Reply broken_body(http::Body::Status status) {
    switch (status) {
        case http::Body::Status::timeout:
            return refuse(ErrorKind::slow_client, "the body came too slowly");
        case http::Body::Status::too_large:
            return refuse(ErrorKind::too_large, "the body is larger than this server takes");
        default:
            return refuse(ErrorKind::invalid, "the body ended before its declared end");
    }
}

}  // namespace

std::optional<BlobHash> PutUpload::Intake::hash() const {
    const auto& caller = admission.caller;
    if (promised || !caller || caller->hashes.size() != 1) return promised;
    return caller->hashes.front();
}

std::expected<PutUpload::Intake, http::Reply> PutUpload::accept_head(
    const http::Request& request) const {
    const auto& head = request.head;
    if (!head.content_length && !head.chunked)
        return std::unexpected(
            refuse(ErrorKind::length_required, "an upload needs a Content-Length"));
    if (head.chunked && !parts_.options.chunked_uploads)
        return std::unexpected(refuse(ErrorKind::length_required,
                                      "chunked uploads are switched off: send a Content-Length"));
    const auto promised = promised_hash(head);
    if (!promised) return std::unexpected(http::Reply::of(promised.error()));
    const auto quorum = storing_.quorum_for(head);
    if (!quorum) return std::unexpected(http::Reply::of(quorum.error()));
    auto admission = admit(parts_, request, verb_of(purpose_), *promised);
    if (!admission) return std::unexpected(std::move(admission).error());
    return Intake{.admission = std::move(*admission),
                  .promised = *promised,
                  .type = std::string(head.value("Content-Type")),
                  .quorum = purpose_ == Purpose::media ? 1 : *quorum};
}

Targets PutUpload::targets_for(const http::Request& request, const Intake& intake) const {
    auto& fleet = parts_.network.fleet;
    const Offer offer{.quorum = intake.quorum,
                      .bytes = request.head.chunked ? std::nullopt : request.head.content_length,
                      .type = intake.type};
    auto targets =
        choose_targets(fleet, intake.admission.caller, parts_.network.clock.unix_now(), offer);
    for (const Outcome& out : targets.left_out) fleet.record(fleet::Op::upload, out);
    return targets;
}

fanout::UploadPlan PutUpload::plan_for(const http::Request& request, const Intake& intake,
                                       Targets targets) const {
    fanout::UploadPlan plan;
    plan.quorum = intake.quorum;
    if (purpose_ == Purpose::upload) plan.required = parts_.network.fleet.required();
    plan.body_bytes = request.head.chunked ? std::nullopt : request.head.content_length;
    plan.left_out = std::move(targets.left_out);
    plan.promised = intake.hash();
    plan.verify_first =
        !plan.body_bytes || *plan.body_bytes <= parts_.options.verify_first_bytes_max;
    plan.deadline = storing_.deadline_for(intake.admission);
    plan.stall_timeout = parts_.options.stall_timeout;
    plan.transforms = purpose_ == Purpose::media;
    storing_.address(plan, targets.chosen, intake.admission, intake.type);
    pay(plan, intake, payment_proofs(request.head));
    return plan;
}

void PutUpload::pay(fanout::UploadPlan& plan, const Intake& intake,
                    const base::Headers& proofs) const {
    if (proofs.empty() || !plan.promised) return;
    const auto payee =
        parts_.payments.payee(*plan.promised, intake.admission.caller, base::Steady::now());
    for (auto& target : plan.targets)
        if (target.upstream == payee)
            for (const auto& [name, value] : proofs) target.headers.add(name, value);
}

void PutUpload::skip_holders(fanout::UploadPlan& plan) const {
    if (!parts_.options.dedupe_skip || !plan.promised) return;
    std::vector<fanout::FanLeg> legs;
    legs.reserve(plan.targets.size());
    const auto deadline = Deadline::after(parts_.options.lookup_timeout);
    for (const auto& target : plan.targets)
        legs.push_back(
            {target.upstream, fanout::head_request(parts_.network.fleet.at(target.upstream),
                                                   *plan.promised, deadline)});
    const auto read = [this](const fleet::Upstream& upstream, const engine::TransferState& state) {
        const auto miss = parts_.network.fleet.miss_status(upstream.id);
        return head_outcome(upstream, state, fanout::read_head(state, miss));
    };
    for (auto& outcome :
         fan_out(parts_.network, std::move(legs), {.op = fleet::Op::lookup, .read = read})) {
        if (outcome.kind != OutcomeKind::ok) continue;
        std::erase_if(plan.targets,
                      [&](const auto& target) { return target.upstream == outcome.upstream; });
        plan.left_out.push_back(std::move(outcome));
    }
}

// The next one goes to another server.
void PutUpload::learn_that_it_makes_none(fleet::UpstreamId upstream) const {
    auto& fleet = parts_.network.fleet;
    if (!fleet.offering(upstream, fleet::Endpoint::media).configured)
        fleet.learn_offering(upstream, fleet::Endpoint::media, {.offered = fleet::Capability::no});
}

http::Reply PutUpload::refusal(const Intake& intake, const fleet::Verdict& verdict,
                               std::span<const Outcome> outcomes) const {
    if (purpose_ == Purpose::media && outcomes.size() == 1 && outcomes.front().sent &&
        outcomes.front().kind == OutcomeKind::capability) {
        learn_that_it_makes_none(outcomes.front().upstream);
        return nobody_makes_media();
    }
    auto reply = error_reply(parts_.network.fleet, verdict, outcomes);
    parts_.payments.demand(reply, outcomes, intake.hash(), intake.admission.caller,
                           base::Steady::now());
    return reply;
}

http::Reply PutUpload::handle(http::Request& request) {
    auto intake = accept_head(request);
    if (!intake) return std::move(intake).error();
    account_.about(intake->hash(), owner_of(intake->admission), request.head.content_length);
    auto targets = targets_for(request, *intake);
    if (purpose_ == Purpose::media &&
        !leave_one_maker(parts_.network, targets, parts_.options.lookup_timeout))
        return nobody_makes_media();
    auto plan = plan_for(request, *intake, std::move(targets));
    if (purpose_ == Purpose::upload) skip_holders(plan);
    auto outcomes = plan.left_out;
    for (const auto& target : plan.targets)
        outcomes.push_back({.upstream = target.upstream, .reason = {}});
    if (const auto verdict = judge(outcomes, plan.quorum, plan.required);
        verdict.decision == Decision::impossible) {
        parts_.counters.count_upload(Counters::Quorum::failed);
        account_.outcomes(plan.left_out);
        return refusal(*intake, verdict, plan.left_out);
    }
    const Source source{
        .body = request.body,
        .admission = intake->admission,
        .broken = broken_body,
        .refused = [&](const fleet::Verdict& verdict,
                       const std::vector<Outcome>& all) { return refusal(*intake, verdict, all); },
        .disagreement = [&](const BlobHash& hash) { return disagreement(*intake, hash); }};
    auto stored = storing_.store(source, plan);
    if (!stored) return std::move(stored).error();
    if (request.head.chunked) {
        const auto& caller = intake->admission.caller;
        parts_.rates.charge(request.peer, caller ? std::optional(caller->pubkey) : std::nullopt,
                            stored->size, base::Steady::now());
    }
    if (stored->verdict.decision != Decision::met)
        return refusal(*intake, stored->verdict, stored->outcomes);
    if (!intake->type.empty() && purpose_ == Purpose::upload) stored->type = intake->type;
    return storing_.reply(request, *stored);
}

// The digest against everything that the client promised.
std::optional<http::Reply> PutUpload::disagreement(const Intake& intake,
                                                   const BlobHash& hash) const {
    if (intake.promised && *intake.promised != hash)
        return refuse(ErrorKind::conflict,
                      base::text("the body's hash is ", hash.hex(), ", not the one in X-SHA-256"));
    const auto& caller = intake.admission.caller;
    if (!caller) return std::nullopt;
    const auto require_x = parts_.authorizer.options().require_x;
    const auto allowed = check_hash(*caller, verb_of(purpose_), hash, require_x);
    if (allowed) return std::nullopt;
    parts_.counters.count_refusal(caller->has_x ? protocol::AuthRefusal::wrong_x
                                                : protocol::AuthRefusal::missing_x);
    return http::Reply::of(allowed.error());
}

}  // namespace espalier::gateway
