#include "gateway/put_mirror.h"

#include <algorithm>

#include "base/text.h"
#include "fanout/mirror.h"
#include "gateway/fetched_body.h"
#include "gateway/results.h"
#include "gateway/targets.h"
#include "protocol/mime.h"
#include "protocol/mirror_request.h"

namespace espalier::gateway {
namespace {

using base::Deadline;
using base::ErrorKind;
using fleet::Decision;
using fleet::Outcome;
using fleet::OutcomeKind;
using http::refuse;
using protocol::BlobHash;

constexpr base::Seconds kRequestPatience{30};

// 502: it is the origin that cannot be used (BUD-04), whatever keeps us from it.
http::Reply unusable(std::string_view why) {
    return http::Reply::of({.kind = ErrorKind::upstream,
                            .reason = base::text("the blob could not be fetched: ", why),
                            .origin = base::Origin::upstream});
}

// Unless it is known that it cannot.
bool may_mirror(const fleet::Fleet& fleet, fleet::UpstreamId id) {
    return fleet.offering(id, fleet::Endpoint::mirror).offered != fleet::Capability::no;
}

bool has_it(const std::vector<Outcome>& outcomes, fleet::UpstreamId upstream) {
    const auto found = std::ranges::find(outcomes, upstream, &Outcome::upstream);
    return found != outcomes.end() && found->kind == OutcomeKind::ok;
}

}  // namespace

http::Reply PutMirror::handle(http::Request& request) {
    auto intake = accept(request);
    if (!intake) return std::move(intake).error();
    account_.about(intake->hash, owner_of(intake->admission), {});
    account_.outcomes(intake->left_out);
    for (const Outcome& out : intake->left_out) parts_.network.fleet.record(fleet::Op::mirror, out);
    Stored stored{.outcomes = intake->left_out};
    // Without a name for it, it is fetched by us: nothing could be checked otherwise.
    if (intake->hash) {
        stored.hash = *intake->hash;
        if (auto noted = storing_.note_kept(intake->chosen, intake->admission, stored); !noted)
            return http::Reply::of(noted.error());
        const auto mirroring = begin_mirroring(*intake);
        await(*mirroring, *intake);
        auto status = mirroring->status();
        stored.outcomes = outcomes_of(*intake, status);
        stored.size = status.size;
        stored.type = status.type;
        stored.uploaded = status.uploaded;
        account_.outcomes(stored.outcomes);
        stored.verdict = judge(stored.outcomes, intake->quorum, intake->required);
        if (stored.verdict.decision == Decision::met) {
            enter_missing(*intake, stored, *mirroring);
            return conclude(request, *intake, std::move(stored));
        }
    }
    Upstreams to;
    for (const auto id : intake->chosen)
        if (!has_it(stored.outcomes, id)) to.push_back(id);
    std::erase_if(stored.outcomes, [&](const Outcome& outcome) {
        return std::ranges::find(to, outcome.upstream) != to.end();
    });
    auto carried = carry(*intake, to, std::move(stored.outcomes));
    if (!carried) return std::move(carried).error();
    return conclude(request, *intake, std::move(*carried));
}

http::Reply PutMirror::conclude(const http::Request& request, const Intake& intake,
                                Stored stored) const {
    parts_.locator.changed(stored.hash);
    account_.about(stored.hash, {}, stored.size);
    storing_.forget_refused(stored, intake.admission);
    Upstreams holders;
    for (const Outcome& outcome : stored.outcomes)
        if (outcome.kind == OutcomeKind::ok) holders.push_back(outcome.upstream);
    // Size and type are known now.
    if (auto noted = storing_.note_kept(holders, intake.admission, stored); !noted)
        return http::Reply::of(noted.error());
    if (stored.verdict.decision != Decision::met)
        return error_reply(parts_.network.fleet, stored.verdict, stored.outcomes);
    return storing_.reply(request, stored);
}

std::expected<PutMirror::Intake, http::Reply> PutMirror::accept(http::Request& request) const {
    const auto body =
        request.body.read_all(protocol::kMirrorRequestBytesMax, Deadline::after(kRequestPatience));
    if (!body) return std::unexpected(http::Reply::of(body.error()));
    const auto text = protocol::mirror_url(*body);
    if (!text)
        return std::unexpected(refuse(ErrorKind::invalid, R"(the body must be {"url": "..."})"));
    auto url = engine::Url::parse(*text);
    if (!url) return std::unexpected(refuse(ErrorKind::invalid, url.error().reason));
    const auto quorum = storing_.quorum_for(request.head);
    if (!quorum) return std::unexpected(http::Reply::of(quorum.error()));

    auto hash = protocol::hash_in_url(*text);
    auto admission = admit(parts_, request, protocol::Verb::upload, hash);
    if (!admission) return std::unexpected(std::move(admission).error());
    const auto& caller = admission->caller;
    if (!hash && caller && caller->hashes.size() == 1) hash = caller->hashes.front();
    if (leads_here(parts_.options, request, *url)) {
        auto replica = replica_of(*url);
        if (!replica) return std::unexpected(std::move(replica).error());
        url = std::move(*replica);
    }
    const Offer offer{.quorum = *quorum};
    auto targets =
        choose_targets(parts_.network.fleet, caller, parts_.network.clock.unix_now(), offer);
    auto outcomes = targets.left_out;
    for (const auto id : targets.chosen) outcomes.push_back({.upstream = id, .reason = {}});
    const auto required = parts_.network.fleet.required();
    if (const auto verdict = judge(outcomes, *quorum, required);
        verdict.decision == Decision::impossible) {
        account_.about(hash, owner_of(*admission), {});
        account_.outcomes(targets.left_out);
        return std::unexpected(error_reply(parts_.network.fleet, verdict, targets.left_out));
    }
    std::vector<Outcome> unable;
    for (const auto id : targets.chosen)
        if (!may_mirror(parts_.network.fleet, id))
            unable.push_back(
                left_out(id, OutcomeKind::capability, 501, "the server does not mirror"));
    const auto deadline = storing_.deadline_for(*admission);
    return Intake{.admission = std::move(*admission),
                  .url = std::move(*url),
                  .hash = hash,
                  .quorum = *quorum,
                  .required = required,
                  .chosen = std::move(targets.chosen),
                  .left_out = std::move(targets.left_out),
                  .unable = std::move(unable),
                  .deadline = deadline};
}

// Fetching it from ourselves would end in a redirect at best, in a circle at worst.
std::expected<engine::Url, http::Reply> PutMirror::replica_of(const engine::Url& own) const {
    const auto hash = protocol::hash_in_url(own.path());
    if (!hash)
        return std::unexpected(
            refuse(ErrorKind::invalid, "this URL leads to no blob of this server"));
    const auto entry = parts_.network.map.find(*hash, base::Steady::now());
    const auto servers = entry ? entry->servers : parts_.locator.find(*hash).servers;
    std::vector<fleet::Candidate> candidates;
    for (const auto& upstream : parts_.network.fleet.upstreams())
        if (servers.has(upstream.id))
            candidates.push_back(parts_.network.fleet.candidate(upstream.id));
    if (candidates.empty()) return std::unexpected(unusable("no server has it"));
    fleet::rank(candidates, parts_.options.download_strategy, std::hash<BlobHash>{}(*hash));
    const auto extension = protocol::extension_in_url(own.path());
    const auto& upstream = parts_.network.fleet.at(candidates.front().id);
    return upstream.url.with_path(
        base::text('/', hash->hex(), extension.empty() ? "" : ".", extension));
}

std::shared_ptr<fanout::Mirroring> PutMirror::begin_mirroring(const Intake& intake) const {
    fanout::MirrorPlan plan{.targets = {},
                            .hash = *intake.hash,
                            .url = intake.url.text(),
                            .deadline = intake.deadline,
                            .on_end = account_.later()};
    for (const auto id : intake.chosen) {
        const auto& upstream = parts_.network.fleet.at(id);
        if (!may_mirror(parts_.network.fleet, id)) continue;
        plan.targets.push_back({id, authorization_for_blob(parts_, upstream, intake.admission,
                                                           protocol::Verb::upload, intake.hash)});
    }
    storing_.forget_deletes(*intake.hash);
    const auto mirroring = std::make_shared<fanout::Mirroring>(
        parts_.mover, parts_.network, parts_.ledger, parts_.confirmer, std::move(plan));
    parts_.live_writes.add(*intake.hash, owner_of(intake.admission), mirroring);
    parts_.mover.add(mirroring);
    return mirroring;
}

std::vector<Outcome> PutMirror::outcomes_of(const Intake& intake,
                                            const fanout::MirrorStatus& status) {
    auto outcomes = status.outcomes;
    std::ranges::copy(intake.unable, std::back_inserter(outcomes));
    std::ranges::copy(intake.left_out, std::back_inserter(outcomes));
    return outcomes;
}

void PutMirror::enter_missing(const Intake& intake, const Stored& stored,
                              fanout::Mirroring& mirroring) const {
    std::vector<Outcome> wanted;
    for (const Outcome& outcome : stored.outcomes) {
        const bool chosen =
            std::ranges::find(intake.chosen, outcome.upstream) != intake.chosen.end();
        // Who would not mirror may take an upload yet; who was left out stands for itself.
        if (chosen && outcome.kind != OutcomeKind::ok)
            wanted.push_back({.upstream = outcome.upstream, .reason = {}});
        else if (!chosen)
            wanted.push_back(outcome);
    }
    if (storing_.enter_missing(stored.hash, wanted, intake.admission))
        mirroring.entered_in_ledger();
}

void PutMirror::await(fanout::Mirroring& mirroring, const Intake& intake) const {
    const auto give_up = std::min(intake.deadline, Deadline::after(parts_.options.timeout));
    std::optional<Deadline> linger;
    for (;;) {
        mirroring.worker_bell().clear();
        const auto status = mirroring.status();
        if (status.all_decided()) return;
        // Either way the others get a moment: to stand in the answer, or to spare us the upload.
        const auto decision =
            judge(outcomes_of(intake, status), intake.quorum, intake.required).decision;
        const bool wait_for_all =
            decision == Decision::met && parts_.options.quorum_reply == QuorumReply::all;
        if (decision != Decision::open && !wait_for_all && !linger)
            linger = Deadline::after(parts_.options.quorum_linger);
        const auto until = linger ? std::min(*linger, give_up) : give_up;
        if (!mirroring.worker_bell().wait(until) && until.passed()) return;
    }
}

engine::TransferRequest PutMirror::fetch_request(const Intake& intake) const {
    engine::TransferRequest request;
    request.url = intake.url;
    request.redirects_max = 5;
    request.deadline = intake.deadline;
    request.stall_timeout = parts_.options.stall_timeout;
    // The URL is the client's; only what the operator has named may be private.
    request.public_addresses_only = !parts_.options.mirror_private_origins;
    for (const auto& upstream : parts_.network.fleet.upstreams()) {
        if (upstream.url.origin() != intake.url.origin()) continue;
        request.public_addresses_only = false;
        request.connect_to = upstream.connect_to;
        request.verify_tls = upstream.verify_tls;
    }
    return request;
}

std::expected<Stored, http::Reply> PutMirror::carry(const Intake& intake, const Upstreams& to,
                                                    std::vector<Outcome> done) const {
    FetchedBody body(parts_.network.engine, fetch_request(intake));
    const auto head = body.await_head(intake.deadline);
    if (!head) return std::unexpected(unusable(head.error().reason));
    const auto bytes = body.declared_bytes();
    if (bytes.value_or(0) > parts_.options.upload_bytes_max)
        return std::unexpected(refuse(
            ErrorKind::too_large,
            base::text("a blob may have at most ", parts_.options.upload_bytes_max, " bytes")));
    // A type that says nothing gives way to what the bytes show, then to the extension.
    std::string type(body.type());
    if (protocol::clean_mime(type) == protocol::kUnknownMime) type.clear();
    const auto by_name = protocol::mime_of(protocol::extension_in_url(intake.url.path()));
    const std::string announced(type.empty() ? by_name : type);
    fanout::UploadPlan plan{
        .left_out = std::move(done),
        .quorum = intake.quorum,
        .required = intake.required,
        .body_bytes = bytes,
        .promised = intake.hash,
        .verify_first = !bytes || *bytes <= parts_.options.verify_first_bytes_max,
        .deadline = intake.deadline,
        .stall_timeout = parts_.options.stall_timeout};
    storing_.address(plan, to, intake.admission, announced);
    const auto broken = [&body](http::Body::Status status) {
        return status == http::Body::Status::too_large
                   ? refuse(ErrorKind::too_large, "the blob is larger than this server takes")
                   : unusable(body.why_broken());
    };
    const auto differs = [&](const BlobHash& hash) { return disagreement(intake, hash); };
    const auto refused = [&](const fleet::Verdict& verdict, const std::vector<Outcome>& all) {
        return error_reply(parts_.network.fleet, verdict, all);
    };
    auto stored = storing_.store({.body = body,
                                  .admission = intake.admission,
                                  .broken = broken,
                                  .refused = refused,
                                  .disagreement = differs},
                                 plan);
    if (!stored) return stored;
    if (!type.empty())
        stored->type = type;
    else if (stored->type.empty() || stored->type == protocol::kUnknownMime)
        stored->type = by_name;
    return stored;
}

std::optional<http::Reply> PutMirror::disagreement(const Intake& intake,
                                                   const BlobHash& hash) const {
    const auto& caller = intake.admission.caller;
    const bool named = !caller || !caller->has_x || caller->names(hash);
    if (!named)
        return refuse(ErrorKind::conflict, base::text("the fetched blob's hash is ", hash.hex(),
                                                      ", which the token does not name"));
    if (intake.hash && *intake.hash != hash)
        return unusable(base::text("it sent bytes of another hash, ", hash.hex()));
    if (!caller) return std::nullopt;
    const auto allowed =
        check_hash(*caller, protocol::Verb::upload, hash, parts_.authorizer.options().require_x);
    return allowed ? std::nullopt : std::optional(http::Reply::of(allowed.error()));
}

}  // namespace espalier::gateway
