#include "gateway/delete_blob.h"

#include <algorithm>

#include "base/text.h"
#include "fanout/fan.h"
#include "gateway/results.h"
#include "gateway/targets.h"
#include "protocol/blob_path.h"

namespace espalier::gateway {

using fleet::Outcome;
using fleet::OutcomeKind;

namespace {

// How long a server may take to store what was cut on its way there.
constexpr base::Seconds kDoubt{30};

// While it lives nobody begins to bring the blob anywhere.
struct Mark : fanout::Write {
    void cut() override {}
};

// What one delete is about, and who asks for it.
struct Deletion {
    const Parts& parts;
    protocol::BlobHash hash;
    Admission admission;
    // Servers that know the gateway as the owner's stand-in: they heed its key alone.
    std::vector<std::string> kept;
    bool has_cut = false;  // writes that may arrive after the delete

    bool is_kept(const fleet::Upstream& upstream) const {
        return std::ranges::find(kept, upstream.url.text()) != kept.end();
    }
    std::string own_token(const fleet::Upstream& upstream) const {
        return authorization_for(upstream, admission.caller, admission.raw_header);
    }
    std::string token(const fleet::Upstream& upstream) const {
        if (!is_kept(upstream)) return own_token(upstream);
        return parts.service_key.token(upstream, protocol::Verb::delete_, hash,
                                       parts.network.clock.unix_now());
    }
    fanout::Errand errand(const fleet::Upstream& upstream, std::string authorization) const {
        return {.hash = hash,
                .server = upstream.id,
                .authorization = std::move(authorization),
                .until = authorized_until(upstream, admission.caller),
                .owner = owner_of(admission)};
    }
};

std::vector<std::string> kept_copies(const Parts& parts, const protocol::BlobHash& hash,
                                     const Admission& admission) {
    const auto owner = owner_of(admission);
    if (!parts.service_key.given() || owner.empty()) return {};
    return parts.ledger.kept_for(hash, owner);
}

// From now on nobody brings the blob back, and whom the delete did not reach is asked again. A
// server that says yes may do so without deleting: it is asked what it has (sheet A.17).
void follow_up(const Deletion& deletion, const std::vector<Outcome>& outcomes) {
    const auto& [parts, hash, admission, kept, has_cut] = deletion;
    const auto now = parts.network.clock.unix_now();
    const auto ttl = std::chrono::duration_cast<base::Seconds>(parts.options.tombstone_ttl);
    const auto buried = parts.ledger.bury(hash, owner_of(admission), now + ttl.count(), now);
    if (!buried)
        parts.log.error("the ledger could not note a delete", {{"reason", buried.error().reason}});
    fleet::UpstreamSet deleted;
    for (const Outcome& outcome : outcomes) {
        const auto& upstream = parts.network.fleet.at(outcome.upstream);
        if (outcome.kind == OutcomeKind::ok) deleted.add(upstream.id);
        if (!buried) continue;
        auto errand = deletion.errand(upstream, deletion.token(upstream));
        if (has_cut) errand.doubt = kDoubt;
        if (fanout::is_remainder(outcome) || (has_cut && outcome.sent))
            parts.remainders.retry(std::move(errand));
        if (!deletion.is_kept(upstream)) continue;
        // The owner may have stored it there, too, since.
        parts.remainders.retry(deletion.errand(upstream, deletion.own_token(upstream)));
        if (outcome.kind == OutcomeKind::ok || outcome.status == 404)
            static_cast<void>(parts.ledger.no_longer_kept(hash, upstream.url.text()));
    }
    parts.confirmer.again(hash, deleted);
}

}  // namespace

http::Reply delete_blob(const Parts& parts, const http::Request& request) {
    const auto path = protocol::parse_blob_path(request.head.path);
    if (!path)
        return http::Reply::of({.kind = path.error() == protocol::PathError::bad_hash
                                            ? base::ErrorKind::invalid
                                            : base::ErrorKind::missing,
                                .reason = "the path is not /<sha256> in lower-case hexadecimal"});
    const auto admission = admit(parts, request, protocol::Verb::delete_, path->hash);
    if (!admission) return admission.error();

    auto& fleet = parts.network.fleet;
    auto targets =
        choose_targets(fleet, admission->caller, parts.network.clock.unix_now(), std::nullopt);
    // What is still on its way there would bring it back.
    const auto mark = std::make_shared<Mark>();
    const auto owner = owner_of(*admission);
    parts.live_writes.add(path->hash, "", mark);
    const bool has_cut = !owner.empty() && parts.live_writes.cut(path->hash, owner);
    const Deletion deletion{parts, path->hash, *admission,
                            kept_copies(parts, path->hash, *admission), has_cut};
    std::vector<fanout::FanLeg> legs;
    const auto deadline = base::Deadline::after(parts.options.timeout);
    for (const auto id : targets.chosen) {
        const auto& upstream = fleet.at(id);
        auto leg =
            fanout::request_to(upstream, "DELETE", base::text('/', path->hash.hex()), deadline);
        const auto token = deletion.token(upstream);
        if (!token.empty()) leg.headers.add("Authorization", token);
        legs.push_back({id, std::move(leg)});
    }
    auto outcomes = fan_out(parts.network, std::move(legs),
                            {.op = fleet::Op::remove, .retries_max = parts.options.retries_max});
    for (const Outcome& out : targets.left_out) fleet.record(fleet::Op::remove, out);
    outcomes.insert(outcomes.end(), targets.left_out.begin(), targets.left_out.end());
    // Whatever was deleted where: the next reader asks afresh, and another owner's copy stays
    // readable.
    parts.network.map.deleted(path->hash, base::Steady::now());
    parts.locator.changed(path->hash);
    if (std::ranges::count(outcomes, OutcomeKind::ok, &Outcome::kind) > 0)
        follow_up(deletion, outcomes);
    const auto verdict = judge_delete(outcomes, parts.options.delete_any_suffices);
    if (verdict.decision != fleet::Decision::met) return error_reply(fleet, verdict, outcomes);
    http::Reply reply(verdict.status);
    reply.header("X-Upstream-Results", upstream_results(fleet, outcomes));
    return reply;
}

}  // namespace espalier::gateway
