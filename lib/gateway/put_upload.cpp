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
using protocol::BlobHash;

constexpr std::size_t kSniffBytes = 64;

http::Reply refuse(ErrorKind kind, std::string reason) {
    return http::Reply::of(
        {.kind = kind, .reason = std::move(reason), .origin = base::Origin::client});
}

std::string mirror_word(const Outcome& outcome) {
    if (outcome.kind == OutcomeKind::ok) return "stored";
    return outcome.kind == OutcomeKind::pending ? "pending" : outcome.word();
}

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

base::Result<int> PutUpload::quorum_for(const http::Head& head) const {
    const auto header = head.header("X-Min-Upstreams");
    const int usual = parts_.options.min_upload_servers;
    if (!header) return usual;
    const auto wanted = base::parse_number(base::trim(*header));
    if (!wanted || *wanted == 0 || *wanted > parts_.network.fleet.size())
        return base::fail(
            ErrorKind::invalid,
            base::text("X-Min-Upstreams must be a number from 1 to ", parts_.network.fleet.size()),
            base::Origin::client);
    const auto quorum = static_cast<int>(*wanted);
    return parts_.options.allow_lower_quorum ? quorum : std::max(quorum, usual);
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
    const auto quorum = quorum_for(head);
    if (!quorum) return std::unexpected(http::Reply::of(quorum.error()));
    auto admission = admit(parts_, request, protocol::Verb::upload, *promised);
    if (!admission) return std::unexpected(std::move(admission).error());
    return Intake{.admission = std::move(*admission),
                  .promised = *promised,
                  .type = std::string(head.value("Content-Type")),
                  .quorum = *quorum};
}

// As long as the token lives, less a margin for the last answers, within the configured bounds.
Deadline PutUpload::deadline_for(const Intake& intake) const {
    constexpr Seconds kMargin{30};
    const auto& options = parts_.options;
    base::Milliseconds patience = options.upload_timeout_min;
    if (intake.admission.caller) {
        const auto left = intake.admission.caller->expiration - parts_.network.clock.unix_now();
        const auto capped = std::clamp<std::int64_t>(left, 0, 1'000'000'000);
        patience = std::clamp<base::Milliseconds>(
            Seconds{capped} - kMargin, options.upload_timeout_min, options.upload_timeout_max);
    }
    return Deadline::after(patience);
}

fanout::UploadPlan PutUpload::plan_for(const http::Request& request, const Intake& intake) const {
    const auto& fleet = parts_.network.fleet;
    const auto& caller = intake.admission.caller;
    fanout::UploadPlan plan;
    plan.quorum = intake.quorum;
    plan.body_bytes = request.head.chunked ? std::nullopt : request.head.content_length;
    const Offer offer{.quorum = plan.quorum, .bytes = plan.body_bytes, .type = intake.type};
    auto targets = choose_targets(fleet, caller, parts_.network.clock.unix_now(), offer);
    plan.left_out = std::move(targets.left_out);
    plan.promised = intake.promised;
    if (!plan.promised && caller && caller->hashes.size() == 1)
        plan.promised = caller->hashes.front();
    plan.verify_first =
        !plan.body_bytes || *plan.body_bytes <= parts_.options.verify_first_bytes_max;
    plan.deadline = deadline_for(intake);
    plan.stall_timeout = parts_.options.stall_timeout;
    for (const auto id : targets.chosen) {
        fanout::UploadTarget target{
            .upstream = id, .headers = {}, .body_bytes_max = fleet.at(id).blob_bytes_max};
        const auto token = authorization_for(fleet.at(id), caller, intake.admission.raw_header);
        if (!token.empty()) target.headers.add("Authorization", token);
        target.headers.add("Content-Type", intake.type.empty() ? protocol::kUnknownMime
                                                               : std::string_view(intake.type));
        plan.targets.push_back(std::move(target));
    }
    return plan;
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

http::Reply PutUpload::handle(http::Request& request) {
    auto intake = accept_head(request);
    if (!intake) return std::move(intake).error();
    auto plan = plan_for(request, *intake);
    for (const Outcome& out : plan.left_out) parts_.network.fleet.record(fleet::Op::upload, out);
    skip_holders(plan);
    auto outcomes = plan.left_out;
    for (const auto& target : plan.targets)
        outcomes.push_back({.upstream = target.upstream, .reason = {}});
    if (const auto verdict = judge(outcomes, plan.quorum);
        verdict.decision == Decision::impossible) {
        parts_.counters.count_upload(Counters::Quorum::failed);
        return error_reply(parts_.network.fleet, verdict, plan.left_out);
    }
    const auto upload = std::make_shared<fanout::Upload>(parts_.mover, parts_.network,
                                                         parts_.upload_resources, plan);
    parts_.mover.add(upload);
    std::string first_bytes;
    auto digest = pour(request, *upload, plan, first_bytes);
    if (!digest) {
        upload->drop();
        return std::move(digest).error();
    }
    const BlobHash hash(*digest);
    if (auto refusal = disagreement(*intake, hash)) {
        upload->drop();
        parts_.counters.count_upload(Counters::Quorum::aborted);
        return std::move(*refusal);
    }
    parts_.locator.changed(hash);
    forget_deletes(hash);
    upload->release(hash);
    const auto status = await_verdict(*upload, plan.deadline);
    parts_.locator.changed(hash);
    if (status.verdict.decision != Decision::met) {
        parts_.counters.count_upload(Counters::Quorum::failed);
        return error_reply(parts_.network.fleet, status.verdict, status.outcomes);
    }
    parts_.counters.count_upload(Counters::Quorum::met);
    enter_missing(*upload, status, hash);
    return descriptor_reply(request, *intake, status, hash, upload->size(), first_bytes);
}

// Why it makes no sense to read the body any further.
std::optional<http::Reply> PutUpload::why_to_stop(const fanout::Upload& upload,
                                                  const fanout::UploadPlan& plan,
                                                  bool has_room) const {
    const auto stop = [this](Counters::Quorum result, http::Reply reply) {
        parts_.counters.count_upload(result);
        return reply;
    };
    const auto status = upload.status();
    if (status.body_lost) {
        auto reply = refuse(ErrorKind::unavailable, "no room is left to keep this upload");
        reply.header("Retry-After", "5");
        return stop(Counters::Quorum::failed, std::move(reply));
    }
    if (plan.deadline.passed()) {
        if (has_room)
            return stop(Counters::Quorum::aborted, broken_body(http::Body::Status::timeout));
        return stop(Counters::Quorum::failed,
                    refuse(ErrorKind::timeout, "the servers did not take the body in time"));
    }
    if (status.verdict.decision != Decision::impossible) return std::nullopt;
    return stop(Counters::Quorum::failed,
                error_reply(parts_.network.fleet, status.verdict, status.outcomes));
}

std::expected<base::Digest, http::Reply> PutUpload::pour(http::Request& request,
                                                         fanout::Upload& upload,
                                                         const fanout::UploadPlan& plan,
                                                         std::string& first_bytes) const {
    base::Sha256 hash;
    std::uint64_t left = plan.body_bytes.value_or(parts_.options.upload_bytes_max + 1);
    base::Bell& bell = upload.worker_bell();
    while (left > 0 || !plan.body_bytes) {
        bell.clear();
        // At least one byte, so that the end of a body without length is read as the end.
        const auto room = upload.room(std::max<std::uint64_t>(left, 1));
        if (auto stop = why_to_stop(upload, plan, !room.empty()))
            return std::unexpected(std::move(*stop));
        if (room.empty()) {
            upload.wait_for_room(plan.deadline);
            continue;
        }
        const auto patience = upload.patience(plan.deadline);
        const auto read = request.body.read(room, &bell, patience);
        if (read.status == http::Body::Status::end) break;
        if (read.status == http::Body::Status::timeout && patience < plan.deadline &&
            patience.passed()) {
            upload.announce();
            continue;
        }
        if (read.status == http::Body::Status::rung) continue;
        if (read.status != http::Body::Status::bytes) {
            parts_.counters.count_upload(Counters::Quorum::aborted);
            return std::unexpected(broken_body(read.status));
        }
        if (read.count > left) return std::unexpected(broken_body(http::Body::Status::too_large));
        const auto bytes = room.first(read.count);
        hash.update(bytes);
        if (first_bytes.size() < kSniffBytes)
            first_bytes.append(reinterpret_cast<const char*>(bytes.data()),
                               std::min(bytes.size(), kSniffBytes));
        upload.commit(read.count);
        left -= read.count;
    }
    return hash.finish();
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
    const auto allowed = check_hash(*caller, protocol::Verb::upload, hash, require_x);
    if (allowed) return std::nullopt;
    parts_.counters.count_refusal(caller->has_x ? protocol::AuthRefusal::wrong_x
                                                : protocol::AuthRefusal::missing_x);
    return http::Reply::of(allowed.error());
}

fanout::UploadStatus PutUpload::await_verdict(fanout::Upload& upload, Deadline deadline) const {
    const bool wait_for_all = parts_.options.quorum_reply == QuorumReply::all;
    // The engine ends every leg at the deadline; the margin covers the hand-over.
    const auto last = deadline.is_never() ? deadline : Deadline::at(deadline.when() + Seconds{2});
    std::optional<base::Steady::time_point> failed_at;
    for (;;) {
        upload.worker_bell().clear();
        auto status = upload.status();
        if (status.all_decided()) return status;
        if (status.verdict.decision == Decision::impossible && !failed_at)
            failed_at = base::Steady::now();
        auto until = last;
        if (status.met_at && !wait_for_all)
            until = Deadline::at(*status.met_at + parts_.options.quorum_linger);
        // The refusals at hand need not be the most frequent one.
        if (failed_at) until = Deadline::at(*failed_at + parts_.options.quorum_linger);
        if (!upload.worker_bell().wait(until) && until.passed()) return upload.status();
    }
}

// Before any server can store it: a delete that is still asked for behind its reply must not take
// the new copies away.
void PutUpload::forget_deletes(const BlobHash& hash) const {
    if (const auto done = parts_.ledger.exhume(hash); !done)
        parts_.log.error("the ledger could not forget a delete", {{"reason", done.error().reason}});
}

void PutUpload::enter_missing(fanout::Upload& upload, const fanout::UploadStatus& status,
                              const BlobHash& hash) const {
    std::vector<std::string> urls;
    for (const Outcome& outcome : status.outcomes)
        if (const auto& upstream = parts_.network.fleet.at(outcome.upstream);
            fanout::is_missing(upstream, outcome))
            urls.push_back(upstream.url.text());
    if (urls.empty()) return;
    const auto entered = parts_.ledger.add_missing(hash, urls, parts_.network.clock.unix_now());
    if (!entered)
        parts_.log.error("the ledger could not note a missing replica",
                         {{"reason", entered.error().reason}});
    upload.entered_in_ledger();
}

http::Reply PutUpload::descriptor_reply(const http::Request& request, const Intake& intake,
                                        const fanout::UploadStatus& status, const BlobHash& hash,
                                        std::uint64_t size, const std::string& first_bytes) const {
    const auto& fleet = parts_.network.fleet;
    std::string type = intake.type;
    if (type.empty()) type = protocol::sniff(std::as_bytes(std::span(first_bytes)));
    type = protocol::clean_mime(type);
    const auto name = base::text(hash.hex(), '.', protocol::extension_of(type));

    fleet::UpstreamSet stored;
    protocol::Descriptor descriptor{.sha256 = hash, .size = size, .type = type};
    for (const Outcome& outcome : status.outcomes) {
        if (outcome.kind == OutcomeKind::ok) stored.add(outcome.upstream);
        if (outcome.sent)
            descriptor.mirrors.push_back(
                {fleet.link_base(outcome.upstream) + name, mirror_word(outcome)});
    }
    const auto urls = ReplicaNames(parts_.options, fleet, request).urls(stored, hash, type);
    descriptor.url = urls.front();
    descriptor.uploaded = status.uploaded.value_or(parts_.network.clock.unix_now());
    descriptor.nip94 = nip94_tags(urls, hash, type, size, parts_.options.nip94_urls);

    const int code = parts_.options.always_200 ? 200 : status.verdict.status;
    auto reply = http::Reply::json(code, to_json(descriptor));
    reply.header("X-Upstream-Results", upstream_results(fleet, status.outcomes));
    return reply;
}

}  // namespace espalier::gateway
