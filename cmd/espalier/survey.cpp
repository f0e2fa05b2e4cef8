#include "survey.h"

#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "base/text.h"
#include "fanout/blob_head.h"
#include "fanout/fan.h"
#include "fanout/list.h"
#include "progress.h"
#include "protocol/mime.h"
#include "protocol/token.h"

namespace espalier::command {
namespace {

using fanout::ListedBlob;
using fleet::OutcomeKind;

constexpr base::Seconds kListPatience{60};
constexpr base::Seconds kHeadPatience{10};
constexpr std::uint64_t kListBytesMax = 256ULL << 20U;
// HEADs under way at once.
constexpr std::size_t kBatch = 32;
constexpr std::int64_t kTokenLifetime = 600;

std::string list_token(const Desk& desk, const fleet::Upstream& server,
                       const protocol::SecretKey* key) {
    if (key == nullptr || !server.forwards_token()) return {};
    const auto now = desk.clock.unix_now();
    return protocol::mint_token(*key, protocol::Verb::list, {}, {}, now, now + kTokenLifetime,
                                "List blobs with espalier");
}

// The copy at the server with the lowest priority number.
std::string source_of(const Desk& desk, const fanout::BlobList& list, const ListedBlob& blob) {
    const fleet::Upstream* best = nullptr;
    for (const auto& server : desk.fleet.upstreams())
        if (blob.servers.has(server.id) && (best == nullptr || server.priority < best->priority))
            best = &server;
    const auto extension = protocol::extension_of(list.types.at(blob.type));
    return base::text(desk.fleet.link_base(best->id), blob.hash.hex(), '.', extension);
}

// Whether the server has each of these.
std::vector<bool> ask_for(Desk& desk, const fleet::Upstream& server,
                          std::span<const MissingCopy> copies) {
    std::vector<fanout::FanLeg> legs;
    const auto deadline = base::Deadline::after(kHeadPatience);
    for (const auto& copy : copies)
        legs.push_back({server.id, fanout::head_request(server, copy.hash, deadline)});
    const auto read = [&](const fleet::Upstream& upstream, const engine::TransferState& state) {
        return head_outcome(upstream, state,
                            fanout::read_head(state, desk.fleet.miss_status(upstream.id)));
    };
    std::vector<bool> there;
    for (const auto& outcome :
         fan_out(desk.network(), std::move(legs), {.op = fleet::Op::lookup, .read = read}))
        there.push_back(outcome.kind == OutcomeKind::ok);
    return there;
}

// Strikes off what the server has after all: a list need not show everything.
void confirm(Desk& desk, Destination& destination) {
    const auto candidates = std::exchange(destination.missing, {});
    Progress progress(destination.server.host(), candidates.size(), ::isatty(STDERR_FILENO) == 1,
                      std::cerr, Unit::blobs);
    for (std::size_t done = 0; done < candidates.size();) {
        const auto batch =
            std::span(candidates).subspan(done).first(std::min(kBatch, candidates.size() - done));
        const auto there = ask_for(desk, destination.server, batch);
        for (std::size_t i = 0; i < batch.size(); ++i)
            if (!there[i]) destination.missing.push_back(batch[i]);
        done += batch.size();
        progress.show(done);
    }
    if (!candidates.empty()) progress.finish();
}

}  // namespace

std::string Destination::name() const {
    auto text = server.url.text();
    while (text.ends_with('/')) text.pop_back();
    return text;
}

Desk::Desk(std::vector<fleet::Upstream> upstreams)
    : log({.level = base::Level::error, .path = {}}),
      fleet({.upstreams = std::move(upstreams)}, clock),
      map({.entries_max = 1000, .ttl = base::Seconds{60}}),
      engine({}) {}

Survey survey(Desk& desk, const protocol::PublicKey& pubkey, const protocol::SecretKey* key) {
    fanout::ListPlan plan{.pubkey = pubkey,
                          .bytes_max = kListBytesMax,
                          .deadline = base::Deadline::after(kListPatience)};
    for (const auto& server : desk.fleet.upstreams())
        plan.targets.push_back({server.id, list_token(desk, server, key)});
    const auto list = list_blobs(desk.network(), plan);

    Survey found{.blobs = list.blobs.size(), .destinations = {}, .warnings = {}};
    for (const auto& outcome : list.outcomes)
        if (outcome.kind != OutcomeKind::ok || !outcome.reason.empty())
            found.warnings.push_back(
                base::text(desk.fleet.host(outcome.upstream), " could not be listed in full: ",
                           outcome.reason.empty() ? outcome.word() : outcome.reason));
    for (const auto& server : desk.fleet.upstreams()) {
        if (!server.takes_uploads()) continue;
        Destination destination{.server = server, .missing = {}};
        for (const auto& blob : list.blobs)
            if (!blob.servers.has(server.id))
                destination.missing.push_back({blob.hash, source_of(desk, list, blob)});
        confirm(desk, destination);
        found.destinations.push_back(std::move(destination));
    }
    return found;
}

bool has_blob(Desk& desk, const fleet::Upstream& server, const protocol::BlobHash& hash) {
    const std::vector<MissingCopy> one{{.hash = hash, .source = {}}};
    return ask_for(desk, server, one).front();
}

}  // namespace espalier::command
