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
    std::string owner;  // "" unknown
    // Copies that the gateway stored in its users' names: those servers heed its key alone.
    std::vector<ledger::KeptCopy> kept;
    bool has_cut = false;  // writes that may arrive after the delete

    bool is_kept(const fleet::Upstream& upstream) const {
        return std::ranges::any_of(kept, [&](const auto& copy) {
            return copy.server_url == upstream.url.text() && copy.owner == owner;
        });
    }
    bool is_kept_for_others(const fleet::Upstream& upstream) const {
        return std::ranges::any_of(kept, [&](const auto& copy) {
            return copy.server_url == upstream.url.text() && copy.owner != owner;
        });
    }
    bool is_ours_to_sign(const fleet::Upstream& upstream) const {
        return is_kept(upstream) && !is_kept_for_others(upstream);
    }
    std::string own_token(const fleet::Upstream& upstream) const {
        return authorization_for(upstream, admission.caller, admission.raw_header);
    }
    std::string token(const fleet::Upstream& upstream) const {
        if (!is_ours_to_sign(upstream)) return own_token(upstream);
        return parts.service_key.token(upstream, protocol::Verb::delete_, hash,
                                       parts.network.clock.unix_now());
    }
    // What a delete comes to at a server that knows the gateway as its only user, when nothing is
    // asked of it; nothing: it is asked.
    std::optional<Outcome> without_asking(const fleet::Upstream& upstream) const {
        if (upstream.auth != fleet::Auth::service_key) return std::nullopt;
        if (!is_kept(upstream))
            return left_out(upstream.id, OutcomeKind::client_fault, 404,
                            "nothing is kept there for this user");
        if (is_kept_for_others(upstream)) return left_out(upstream.id, OutcomeKind::ok, 200, {});
        return std::nullopt;
    }
    // Where the gateway keeps nothing for the owner any more.
    std::vector<std::string> gone_from(const std::vector<Outcome>& outcomes) const {
        std::vector<std::string> urls;
        for (const Outcome& outcome : outcomes) {
            const auto& upstream = parts.network.fleet.at(outcome.upstream);
            const bool gone = outcome.kind == OutcomeKind::ok || outcome.status == 404;
            if (gone && is_kept(upstream)) urls.push_back(upstream.url.text());
        }
        return urls;
    }
    fanout::Errand errand(const fleet::Upstream& upstream) const {
        if (!is_ours_to_sign(upstream)) return own_errand(upstream);
        const auto now = parts.network.clock.unix_now();
        return {.hash = hash,
                .server = upstream.id,
                .authorization = token(upstream),
                .until = now + fanout::ServiceKey::kLifetime.count(),
                .owner = owner};
    }
    // With the client's own token, whoever may have stored it there.
    fanout::Errand own_errand(const fleet::Upstream& upstream) const {
        return {.hash = hash,
                .server = upstream.id,
                .authorization = own_token(upstream),
                .until = authorized_until(upstream, admission.caller),
                .owner = owner};
    }
};

std::vector<ledger::KeptCopy> kept_copies(const Parts& parts, const protocol::BlobHash& hash,
                                          const std::string& owner) {
    if (!parts.service_key.given() || owner.empty()) return {};
    return parts.ledger.kept(hash);
}

// From now on nobody brings the blob back, and whom the delete did not reach is asked again. A
// server that says yes may do so without deleting: it is asked what it has (sheet A.17).
void follow_up(const Deletion& deletion, const std::vector<Outcome>& outcomes) {
    const auto& [parts, hash, admission, owner, kept, has_cut] = deletion;
    const auto now = parts.network.clock.unix_now();
    const auto ttl = std::chrono::duration_cast<base::Seconds>(parts.options.tombstone_ttl);
    const auto buried =
        parts.ledger.bury(hash, owner, now + ttl.count(), now, deletion.gone_from(outcomes));
    if (!buried)
        parts.log.error("the ledger could not note a delete",
                        {{"hash", hash.hex()}, {"reason", buried.error().reason}});
    fleet::UpstreamSet deleted;
    for (const Outcome& outcome : outcomes) {
        const auto& upstream = parts.network.fleet.at(outcome.upstream);
        if (outcome.kind == OutcomeKind::ok) deleted.add(upstream.id);
        if (!buried) continue;
        if (fanout::is_remainder(outcome) || (has_cut && outcome.sent)) {
            auto errand = deletion.errand(upstream);
            if (has_cut) errand.doubt = kDoubt;
            parts.remainders.retry(std::move(errand));
        }
        // The owner may have stored it there, too, since.
        if (deletion.is_kept(upstream) && upstream.forwards_token())
            parts.remainders.retry(deletion.own_errand(upstream));
    }
    parts.confirmer.again(hash, deleted);
}

}  // namespace

http::Reply delete_blob(const Parts& parts, const http::Request& request, const Account& account) {
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
    account.about(path->hash, owner, {});
    parts.live_writes.add(path->hash, "", mark);
    const bool has_cut = !owner.empty() && parts.live_writes.cut(path->hash, owner);
    const Deletion deletion{
        parts, path->hash, *admission, owner, kept_copies(parts, path->hash, owner), has_cut};
    std::vector<fanout::FanLeg> legs;
    const auto deadline = base::Deadline::after(parts.options.timeout);
    for (const auto id : targets.chosen) {
        const auto& upstream = fleet.at(id);
        if (auto known = deletion.without_asking(upstream)) {
            targets.left_out.push_back(std::move(*known));
            continue;
        }
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
    account.outcomes(outcomes);
    const auto known = parts.network.map.find(path->hash, base::Steady::now());
    const auto size = known ? known->facts.size.value_or(0) : 0;
    for (const Outcome& outcome : outcomes)
        if (outcome.kind == OutcomeKind::ok && outcome.sent)
            count_stored(parts.network, parts.ledger, fleet.at(outcome.upstream),
                         -static_cast<std::int64_t>(size));
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
