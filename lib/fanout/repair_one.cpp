#include "fanout/repair_one.h"

#include <algorithm>

#include "base/text.h"
#include "protocol/mime.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;
using fleet::Outcome;
using fleet::OutcomeKind;

constexpr std::size_t kPipeBytes = 256UL * 1024;
// Others want the mover, too.
constexpr std::size_t kBytesPerStep = 1024UL * 1024;

RepairEnd end_of(const Outcome& outcome) {
    switch (outcome.status) {
        case 401:
        case 403:
            return RepairEnd::unauthorized;
        case 413:
        case 415:
            return RepairEnd::hopeless;
        default:
            return RepairEnd::failed;
    }
}

}  // namespace

bool is_settled(RepairEnd end) {
    return end != RepairEnd::unauthorized && end != RepairEnd::failed;
}

RepairOne::RepairOne(const Tools& tools, RepairPlan plan, OnEnd on_end)
    : Job(tools.mover), tools_(tools), plan_(std::move(plan)), on_end_(std::move(on_end)) {}

RepairOne::~RepairOne() {
    if (upload_ && !released_) upload_->drop();
}

void RepairOne::cut() {
    cut_ = true;
    bell()->ring();
}

std::optional<Deadline> RepairOne::step(Steady::time_point now) {
    const auto conclude = [this](const End& end) {
        if (end.how == RepairEnd::deleted && mirroring_) mirroring_->cut();
        if (end.how == RepairEnd::deleted && upload_) upload_->cut();
        on_end_(plan_, end.how, end.why);
        return std::nullopt;
    };
    for (;;) {
        if (cut_) return conclude({RepairEnd::deleted, "the blob was deleted"});
        const auto progress = advance(now);
        if (!progress) return conclude(progress.error());
        if (!*progress) return Deadline::never();
    }
}

RepairOne::Progress RepairOne::advance(Steady::time_point now) {
    switch (stage_) {
        case Stage::begin:
            return ask_everybody(now);
        case Stage::look:
            return read_answers(now);
        case Stage::mirror:
            return read_mirroring(now);
        case Stage::fetch:
            return fetch(now);
        case Stage::upload:
            return read_upload();
    }
    return false;
}

RepairOne::Progress RepairOne::ask_everybody(Steady::time_point now) {
    auto& network = tools_.network;
    for (const auto& upstream : network.fleet.upstreams()) {
        auto request = head_request(upstream, plan_.hash, Deadline::at(now + plan_.head_patience));
        questions_.push_back({upstream.id, start(network, upstream, std::move(request), bell())});
    }
    stage_ = Stage::look;
    return false;
}

RepairOne::Progress RepairOne::read_answers(Steady::time_point now) {
    auto& network = tools_.network;
    if (!std::ranges::all_of(questions_, [](const auto& q) { return q.transfer.decided(); }))
        return false;
    bool uncertain = false;
    auto here = Presence::unknown;
    for (auto& question : questions_) {
        const auto state = question.transfer.state();
        const auto answer = read_head(state, network.fleet.miss_status(question.server));
        record(network, fleet::Op::lookup,
               head_outcome(network.fleet.at(question.server), state, answer), state);
        question.transfer = {};
        if (question.server == plan_.server)
            here = answer.presence;
        else if (answer.presence == Presence::there)
            origins_.push_back({question.server, answer.size, answer.type});
        else if (answer.presence == Presence::unknown)
            uncertain = true;
    }
    if (here == Presence::there)
        return std::unexpected(End{RepairEnd::there_already, "it has the blob already"});
    if (here == Presence::unknown)
        return std::unexpected(End{RepairEnd::failed, "it does not say what it has"});
    if (origins_.empty() && uncertain)
        return std::unexpected(End{RepairEnd::failed, "no server that has the blob answers"});
    if (origins_.empty())
        return std::unexpected(End{RepairEnd::hopeless, "no server has the blob any more"});
    if (plan_.copies_wanted > 0 && std::cmp_greater_equal(origins_.size(), plan_.copies_wanted))
        return std::unexpected(End{RepairEnd::needless, "there are enough copies elsewhere"});
    sort_origins();
    authorization_ = plan_.authorize();
    if (network.fleet.offering(plan_.server, fleet::Endpoint::mirror).offered ==
        fleet::Capability::no)
        return begin_fetch(now);
    return begin_mirroring(now);
}

void RepairOne::sort_origins() {
    std::vector<fleet::Candidate> candidates;
    candidates.reserve(origins_.size());
    for (const auto& origin : origins_)
        candidates.push_back(tools_.network.fleet.candidate(origin.server));
    fleet::rank(candidates, fleet::Strategy::fastest, std::hash<protocol::BlobHash>{}(plan_.hash));
    const auto place = [&](const Origin& origin) {
        return std::ranges::find(candidates, origin.server, &fleet::Candidate::id) -
               candidates.begin();
    };
    std::ranges::sort(origins_, std::ranges::greater{}, place);
}

std::string RepairOne::origin_url() const {
    const auto& origin = origins_.back();
    return base::text(tools_.network.fleet.link_base(origin.server), plan_.hash.hex(), '.',
                      protocol::extension_of(origin.type));
}

RepairOne::Progress RepairOne::begin_mirroring(Steady::time_point now) {
    mirroring_ = std::make_shared<Mirroring>(
        tools_.mover, tools_.network, tools_.resources.ledger, tools_.resources.confirmer,
        MirrorPlan{.targets = {{plan_.server, authorization_}},
                   .hash = plan_.hash,
                   .url = origin_url(),
                   .deadline = Deadline::at(now + plan_.patience)},
        bell());
    tools_.mover.add(mirroring_);
    stage_ = Stage::mirror;
    return false;
}

RepairOne::Progress RepairOne::read_mirroring(Steady::time_point now) {
    const auto status = mirroring_->status();
    if (!status.all_decided()) return false;
    if (status.outcomes.front().kind == OutcomeKind::ok)
        return std::unexpected(End{RepairEnd::mirrored, {}});
    return begin_fetch(now);
}

RepairOne::Progress RepairOne::begin_fetch(Steady::time_point now) {
    auto& network = tools_.network;
    const auto& origin = origins_.back();
    const auto deadline = Deadline::at(now + plan_.patience);
    UploadTarget target{.upstream = plan_.server,
                        .headers = {},
                        .body_bytes_max = network.fleet.at(plan_.server).blob_bytes_max};
    if (!authorization_.empty()) target.headers.add("Authorization", authorization_);
    target.headers.add("Content-Type", origin.type.empty() ? protocol::kUnknownMime : origin.type);
    upload_ = std::make_shared<Upload>(tools_.mover, network, tools_.resources,
                                       UploadPlan{.targets = {std::move(target)},
                                                  .left_out = {},
                                                  .quorum = 1,
                                                  .body_bytes = {},
                                                  .promised = plan_.hash,
                                                  .verify_first = true,
                                                  .deadline = deadline,
                                                  .stall_timeout = plan_.stall_timeout},
                                       bell());
    tools_.mover.add(upload_);

    const auto& upstream = network.fleet.at(origin.server);
    auto request = blob_request(upstream, plan_.hash, deadline);
    limit(request, plan_.rate);
    request.stall_timeout = plan_.stall_timeout;
    pipe_ = std::make_shared<engine::Pipe>(kPipeBytes, bell());
    request.download = pipe_;
    digest_ = {};
    download_ = start(network, upstream, std::move(request), bell());
    stage_ = Stage::fetch;
    return true;
}

RepairOne::Progress RepairOne::fetch(Steady::time_point now) {
    const auto state = download_.state();
    if (state.head_received && state.response.status != 200)
        return try_next_origin(base::text("answered ", state.response.status), now);
    for (std::size_t moved = 0; moved < kBytesPerStep;) {
        const auto room = upload_->room(kBytesPerStep);
        if (room.empty())
            return std::unexpected(End{RepairEnd::failed, "no room is left to keep the blob"});
        const auto n = pipe_->read(room);
        if (n == 0) {
            const auto end = pipe_->end();
            if (end == engine::Pipe::End::open) return false;
            if (end != engine::Pipe::End::finished) return try_next_origin("broke off", now);
            if (protocol::BlobHash(digest_.finish()) != plan_.hash)
                return try_next_origin("sent bytes of another hash", now);
            end_fetch(outcome_of(tools_.network.fleet.at(origins_.back().server), state, false));
            released_ = true;
            upload_->release(plan_.hash);
            stage_ = Stage::upload;
            return true;
        }
        digest_.update(room.first(n));
        upload_->commit(n);
        moved += n;
    }
    bell()->ring();
    return false;
}

void RepairOne::end_fetch(const Outcome& outcome) {
    record(tools_.network, fleet::Op::download, outcome, download_.state());
    download_ = {};
}

RepairOne::Progress RepairOne::try_next_origin(const std::string& why, Steady::time_point now) {
    auto& network = tools_.network;
    const auto server = origins_.back().server;
    const auto state = download_.state();
    auto outcome = outcome_of(network.fleet.at(server), state, false);
    if (outcome.kind == OutcomeKind::ok || outcome.kind == OutcomeKind::pending) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = why;
    }
    end_fetch(outcome);
    network.map.forget(plan_.hash, server);
    upload_->drop();
    upload_.reset();
    origins_.pop_back();
    if (!origins_.empty()) return begin_fetch(now);
    return std::unexpected(
        End{RepairEnd::failed, base::text(network.fleet.host(server), ' ', why)});
}

RepairOne::Progress RepairOne::read_upload() {
    const auto status = upload_->status();
    if (!status.all_decided()) return false;
    const auto& outcome = status.outcomes.front();
    if (outcome.kind == OutcomeKind::ok) return std::unexpected(End{RepairEnd::uploaded, {}});
    return std::unexpected(End{end_of(outcome), outcome.reason});
}

}  // namespace espalier::fanout
