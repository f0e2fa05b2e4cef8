#include "gateway/storing.h"

#include <algorithm>

#include "base/text.h"
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

constexpr std::size_t kSniffBytes = 64;

std::string mirror_word(const Outcome& outcome) {
    if (outcome.kind == OutcomeKind::ok) return "stored";
    return outcome.kind == OutcomeKind::pending ? "pending" : outcome.word();
}

}  // namespace

base::Result<int> Storing::quorum_for(const http::Head& head) const {
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

Deadline Storing::deadline_for(const Admission& admission) const {
    constexpr Seconds kMargin{30};
    const auto& options = parts_.options;
    base::Milliseconds patience = options.upload_timeout_min;
    if (admission.caller) {
        const auto left = admission.caller->expiration - parts_.network.clock.unix_now();
        const auto capped = std::clamp<std::int64_t>(left, 0, 1'000'000'000);
        patience = std::clamp<base::Milliseconds>(
            Seconds{capped} - kMargin, options.upload_timeout_min, options.upload_timeout_max);
    }
    return Deadline::after(patience);
}

void Storing::address(fanout::UploadPlan& plan, const std::vector<fleet::UpstreamId>& chosen,
                      const Admission& admission, std::string_view type) const {
    plan.owner = owner_of(admission);
    plan.on_end = account_.later();
    for (const auto id : chosen) {
        const auto& upstream = parts_.network.fleet.at(id);
        fanout::UploadTarget target{
            .upstream = id, .headers = {}, .body_bytes_max = upstream.blob_bytes_max};
        if (upstream.auth == fleet::Auth::service_key) target.signer = &parts_.service_key;
        const auto token = authorization_for(upstream, admission.caller, admission.raw_header);
        if (!token.empty()) target.headers.add("Authorization", token);
        target.headers.add("Content-Type", type.empty() ? protocol::kUnknownMime : type);
        // It can only be signed for a blob that has a name.
        if (target.signer != nullptr && !plan.promised) plan.verify_first = true;
        plan.targets.push_back(std::move(target));
    }
}

std::expected<Stored, http::Reply> Storing::store(const Source& source,
                                                  const fanout::UploadPlan& plan) const {
    const auto upload = std::make_shared<fanout::Upload>(parts_.mover, parts_.network,
                                                         parts_.upload_resources, plan);
    parts_.mover.add(upload);
    account_.follow(upload);
    auto poured = pour(source, *upload, plan);
    if (!poured) {
        upload->drop();
        return std::unexpected(std::move(poured).error());
    }
    const auto& hash = poured->hash;
    account_.about(hash, {}, upload->size());
    if (auto refusal = source.disagreement(hash)) {
        upload->drop();
        parts_.counters.count_upload(Counters::Quorum::aborted);
        return std::unexpected(std::move(*refusal));
    }
    Stored stored{
        .hash = hash,
        .size = upload->size(),
        .type = std::string(protocol::sniff(std::as_bytes(std::span(poured->first_bytes))))};
    if (auto noted = plan.transforms ? base::Result<void>{} : note_kept(plan, source, stored);
        !noted) {
        upload->drop();
        return std::unexpected(http::Reply::of(noted.error()));
    }
    parts_.locator.changed(hash);
    if (!plan.transforms) {
        parts_.live_writes.add(hash, owner_of(source.admission), upload);
        forget_deletes(hash);
    }
    upload->release(hash);
    auto status = await_verdict(*upload, plan.deadline);
    account_.outcomes(status.outcomes);
    parts_.locator.changed(hash);
    const bool met = status.verdict.decision == Decision::met;
    parts_.counters.count_upload(met ? Counters::Quorum::met : Counters::Quorum::failed);
    if (met && !plan.transforms && enter_missing(hash, status.outcomes, source.admission))
        upload->entered_in_ledger();
    stored.outcomes = std::move(status.outcomes);
    stored.verdict = std::move(status.verdict);
    stored.uploaded = status.uploaded;
    if (!status.made) {
        if (!plan.transforms) forget_refused(stored, source.admission);
        return stored;
    }
    stored.hash = status.made->sha256;
    stored.size = status.made->size;
    stored.type = status.made->type;
    if (auto noted = note_kept(plan, source, stored); !noted)
        return std::unexpected(http::Reply::of(noted.error()));
    parts_.locator.changed(stored.hash);
    return stored;
}

base::Result<void> Storing::note_kept(const fanout::UploadPlan& plan, const Source& source,
                                      Stored stored) const {
    std::vector<fleet::UpstreamId> servers;
    // Who has it already keeps it for one user more.
    for (const Outcome& outcome : plan.left_out)
        if (outcome.kind == OutcomeKind::ok) servers.push_back(outcome.upstream);
    for (const auto& target : plan.targets) {
        if (target.signer == nullptr) continue;
        servers.push_back(target.upstream);
        const auto type = target.headers.value("Content-Type");
        if (!plan.transforms && type != protocol::kUnknownMime) stored.type = type;
    }
    return note_kept(servers, source.admission, stored);
}

base::Result<void> Storing::note_kept(std::span<const fleet::UpstreamId> servers,
                                      const Admission& admission, const Stored& stored) const {
    std::vector<ledger::KeptCopy> copies;
    for (const auto id : servers) {
        const auto& upstream = parts_.network.fleet.at(id);
        if (upstream.auth != fleet::Auth::service_key) continue;
        copies.push_back(
            {.hash = stored.hash,
             .server_url = upstream.url.text(),
             .owner = owner_of(admission),
             .size = stored.size,
             .type = stored.type.empty() ? std::string() : protocol::clean_mime(stored.type),
             .uploaded = stored.uploaded.value_or(parts_.network.clock.unix_now())});
    }
    return parts_.ledger.keep(copies);
}

void Storing::forget_refused(const Stored& stored, const Admission& admission) const {
    for (const Outcome& outcome : stored.outcomes) {
        const auto& upstream = parts_.network.fleet.at(outcome.upstream);
        if (upstream.auth != fleet::Auth::service_key || outcome.kind == OutcomeKind::ok) continue;
        if (!outcome.sent || fanout::is_missing(upstream, outcome)) continue;
        static_cast<void>(
            parts_.ledger.no_longer_kept(stored.hash, upstream.url.text(), owner_of(admission)));
    }
}

// Why it makes no sense to read the body any further.
std::optional<http::Reply> Storing::why_to_stop(const Source& source, const fanout::Upload& upload,
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
            return stop(Counters::Quorum::aborted, source.broken(http::Body::Status::timeout));
        return stop(Counters::Quorum::failed,
                    refuse(ErrorKind::timeout, "the servers did not take the body in time"));
    }
    if (status.verdict.decision != Decision::impossible) return std::nullopt;
    return stop(Counters::Quorum::failed, source.refused(status.verdict, status.outcomes));
}

std::expected<Storing::Poured, http::Reply> Storing::pour(const Source& source,
                                                          fanout::Upload& upload,
                                                          const fanout::UploadPlan& plan) const {
    base::Sha256 hash;
    std::string first_bytes;
    std::uint64_t left = plan.body_bytes.value_or(parts_.options.upload_bytes_max + 1);
    base::Bell& bell = upload.worker_bell();
    while (left > 0 || !plan.body_bytes) {
        bell.clear();
        // At least one byte, so that the end of a body without length is read as the end.
        const auto room = upload.room(std::max<std::uint64_t>(left, 1));
        if (auto stop = why_to_stop(source, upload, plan, !room.empty()))
            return std::unexpected(std::move(*stop));
        if (room.empty()) {
            upload.wait_for_room(plan.deadline);
            continue;
        }
        const auto patience = upload.patience(plan.deadline);
        const auto read = source.body.read(room, &bell, patience);
        if (read.status == http::Body::Status::end) break;
        if (read.status == http::Body::Status::timeout && patience < plan.deadline &&
            patience.passed()) {
            upload.announce();
            continue;
        }
        if (read.status == http::Body::Status::rung) continue;
        if (read.status != http::Body::Status::bytes) {
            parts_.counters.count_upload(Counters::Quorum::aborted);
            return std::unexpected(source.broken(read.status));
        }
        if (read.count > left) return std::unexpected(source.broken(http::Body::Status::too_large));
        const auto bytes = room.first(read.count);
        hash.update(bytes);
        if (first_bytes.size() < kSniffBytes)
            first_bytes.append(reinterpret_cast<const char*>(bytes.data()),
                               std::min(bytes.size(), kSniffBytes));
        upload.commit(read.count);
        left -= read.count;
    }
    return Poured{BlobHash(hash.finish()), std::move(first_bytes)};
}

fanout::UploadStatus Storing::await_verdict(fanout::Upload& upload, Deadline deadline) const {
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

void Storing::forget_deletes(const BlobHash& hash) const {
    if (const auto done = parts_.ledger.exhume(hash); !done)
        parts_.log.error("the ledger could not forget a delete",
                         {{"request", account_.request_id()}, {"reason", done.error().reason}});
}

bool Storing::enter_missing(const BlobHash& hash, const std::vector<Outcome>& outcomes,
                            const Admission& admission) const {
    const auto owner = owner_of(admission);
    std::vector<std::string> urls;
    std::vector<fanout::Errand> errands;
    for (const Outcome& outcome : outcomes) {
        const auto& upstream = parts_.network.fleet.at(outcome.upstream);
        if (!fanout::is_missing(upstream, outcome)) continue;
        urls.push_back(upstream.url.text());
        const auto token = authorization_for(upstream, admission.caller, admission.raw_header);
        // One that names no blob would be good for others, too: it is not kept.
        if (token.empty() || !admission.caller || !admission.caller->names(hash)) continue;
        errands.push_back({.hash = hash,
                           .server = upstream.id,
                           .authorization = token,
                           .until = authorized_until(upstream, admission.caller),
                           .owner = owner});
    }
    if (urls.empty()) return false;
    const auto now = parts_.network.clock.unix_now();
    if (const auto entered = parts_.ledger.add_missing(hash, urls, now, owner); !entered)
        parts_.log.error("the ledger could not note a missing replica",
                         {{"request", account_.request_id()}, {"reason", entered.error().reason}});
    parts_.repairer.expect(std::move(errands));
    return true;
}

http::Reply Storing::reply(const http::Request& request, const Stored& stored) const {
    const auto& fleet = parts_.network.fleet;
    const auto type = protocol::clean_mime(stored.type);
    const auto name = base::text(stored.hash.hex(), '.', protocol::extension_of(type));

    fleet::UpstreamSet holders;
    protocol::Descriptor descriptor{.sha256 = stored.hash, .size = stored.size, .type = type};
    for (const Outcome& outcome : stored.outcomes) {
        if (outcome.kind == OutcomeKind::ok) holders.add(outcome.upstream);
        if (outcome.sent)
            descriptor.mirrors.push_back(
                {fleet.link_base(outcome.upstream) + name, mirror_word(outcome)});
    }
    const auto urls = ReplicaNames(parts_.options, fleet, request).urls(holders, stored.hash, type);
    descriptor.url = urls.front();
    descriptor.uploaded = stored.uploaded.value_or(parts_.network.clock.unix_now());
    descriptor.nip94 = nip94_tags(urls, stored.hash, type, stored.size, parts_.options.nip94_urls);

    const int code = parts_.options.always_200 ? 200 : stored.verdict.status;
    auto reply = http::Reply::json(code, to_json(descriptor));
    reply.header("X-Upstream-Results", upstream_results(fleet, stored.outcomes));
    return reply;
}

}  // namespace espalier::gateway
