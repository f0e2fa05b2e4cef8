#include "gateway/get_list.h"

#include <algorithm>
#include <limits>

#include "fanout/list.h"
#include "gateway/replicas.h"
#include "gateway/results.h"
#include "gateway/routes.h"
#include "gateway/targets.h"

namespace espalier::gateway {
namespace {

using fanout::BlobList;
using fanout::ListedBlob;

// As much as is written to the client at once.
constexpr std::size_t kPieceBytes = 64UL * 1024;

std::expected<Admission, http::Reply> admit_reader(const Parts& parts,
                                                   const http::Request& request) {
    if (request.head.value("Authorization").empty()) return Admission{};
    return admit(parts, request, protocol::Verb::list, std::nullopt);
}

// What the gateway stored for this user with a key of its own.
std::vector<fanout::ListPlan::Known> kept_copies(const Parts& parts,
                                                 const protocol::PublicKey& pubkey) {
    std::vector<fanout::ListPlan::Known> known;
    const auto& fleet = parts.network.fleet;
    const auto readable = fleet.by_url(fleet.readable());
    for (auto& copy : parts.ledger.kept_for(pubkey.hex())) {
        const auto server = readable.find(copy.server_url);
        if (server == readable.end()) continue;
        known.push_back({.upstream = server->second,
                         .blob = {.sha256 = copy.hash,
                                  .size = copy.size,
                                  .type = std::move(copy.type),
                                  .uploaded = copy.uploaded}});
    }
    return known;
}

fanout::ListPlan plan_for(const Parts& parts, const Admission& admission,
                          const std::vector<fleet::UpstreamId>& chosen,
                          const protocol::PublicKey& pubkey) {
    fanout::ListPlan plan{.pubkey = pubkey,
                          .bytes_max = parts.options.list_upstream_bytes_max,
                          .deadline = base::Deadline::after(parts.options.list_timeout)};
    const auto now = parts.network.clock.unix_now();
    for (const auto id : chosen)
        plan.targets.push_back(
            {id, authorization_if_welcome(parts.network.fleet.at(id), admission.caller,
                                          admission.raw_header, now)});
    plan.known = kept_copies(parts, pubkey);
    return plan;
}

// Those that know the gateway as the only user have nothing to say of others: the ledger does.
std::vector<fleet::Outcome> answer_by_ledger(const fleet::Fleet& fleet, Targets& targets) {
    std::vector<fleet::Outcome> outcomes;
    std::erase_if(targets.chosen, [&](fleet::UpstreamId id) {
        if (fleet.at(id).auth != fleet::Auth::service_key) return false;
        outcomes.push_back(left_out(id, fleet::OutcomeKind::ok, 200, {}));
        return true;
    });
    return outcomes;
}

// A part of a list on its way to the client.
class Writing {
public:
    // `part`: of list.blobs.
    Writing(const Parts& parts, const http::Request& request, BlobList list,
            std::span<const ListedBlob> part)
        : names_(parts.options, parts.network.fleet, request),
          nip94_urls_(parts.options.nip94_urls),
          list_(std::move(list)),
          part_(part) {}

    bool write(http::Writer& writer) const {
        std::string piece = "[";
        bool first = true;
        for (const ListedBlob& blob : part_) {
            if (!std::exchange(first, false)) piece += ',';
            piece += describe(blob);
            if (piece.size() < kPieceBytes) continue;
            if (!writer.write(piece)) return false;
            piece.clear();
        }
        return writer.write(piece + "]");
    }

private:
    std::string describe(const ListedBlob& blob) const {
        const auto& type = list_.types.at(blob.type);
        const auto urls = names_.urls(blob.servers, blob.hash, type);
        return to_json(protocol::Descriptor{
            .url = urls.front(),
            .sha256 = blob.hash,
            .size = blob.size,
            .type = type,
            .uploaded = blob.uploaded,
            .nip94 = protocol::nip94_tags(urls, blob.hash, type, blob.size, nip94_urls_),
            .mirrors = {}});
    }

    const ReplicaNames names_;
    const protocol::Nip94Urls nip94_urls_;
    const BlobList list_;
    const std::span<const ListedBlob> part_;
};

}  // namespace

http::Reply get_list(const Parts& parts, const http::Request& request, const Account& account) {
    const auto pubkey = protocol::PublicKey::parse(request.head.path.substr(kListPrefix.size()));
    if (!pubkey)
        return http::Reply::of({.kind = base::ErrorKind::invalid,
                                .reason = "a public key is 64 lower-case hexadecimal digits",
                                .origin = base::Origin::client});
    const auto query =
        protocol::read_list_query([&](std::string_view name) { return request.parameter(name); },
                                  std::numeric_limits<std::size_t>::max());
    if (!query) return http::Reply::of(query.error());
    account.about({}, pubkey->hex(), {});
    const auto admission = admit_reader(parts, request);
    if (!admission) return admission.error();

    auto& fleet = parts.network.fleet;
    auto targets = choose_readable(fleet);
    const auto by_ledger = answer_by_ledger(fleet, targets);
    auto list = list_blobs(parts.network, plan_for(parts, *admission, targets.chosen, *pubkey));
    for (const auto& out : targets.left_out) fleet.record(fleet::Op::list, out);
    auto outcomes = list.outcomes;
    outcomes.insert(outcomes.end(), by_ledger.begin(), by_ledger.end());
    outcomes.insert(outcomes.end(), targets.left_out.begin(), targets.left_out.end());
    account.outcomes(outcomes);
    auto verdict = fleet::judge_question(outcomes, "a list");
    if (verdict.decision != fleet::Decision::met) return error_reply(fleet, verdict, outcomes);
    const auto part = part_of(list.blobs, *query);
    if (!part && std::ranges::count(outcomes, fleet::OutcomeKind::upstream_fault,
                                    &fleet::Outcome::kind) > 0) {
        verdict.status = 503;
        verdict.reason = "the cursor is not on the list, but not every server has answered";
        return error_reply(fleet, verdict, outcomes);
    }
    if (!part) return http::Reply::of(part.error());
    // The part stays valid: a vector that is moved takes its elements along.
    const auto writing = std::make_shared<Writing>(parts, request, std::move(list), *part);
    http::Reply reply(200);
    reply.header("Cache-Control", "private, no-store");
    reply.header("X-Upstream-Results", upstream_results(fleet, outcomes));
    reply.stream(
        {.length = {}, .write = [writing](http::Writer& to) { return writing->write(to); }},
        "application/json");
    return reply;
}

}  // namespace espalier::gateway
