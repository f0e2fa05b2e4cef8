#include "fanout/upload.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "fanout/pace.h"
#include "protocol/descriptor.h"
#include "protocol/mime.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;
using fleet::Outcome;
using fleet::OutcomeKind;
using protocol::BlobHash;

constexpr std::size_t kPipeBytes = 512UL * 1024;
constexpr std::size_t kSmallPipeBytes = 64UL * 1024;  // when no memory is left for a full one
constexpr std::size_t kReadBytes = 256UL * 1024;

// Some that were left out may have it already.
std::size_t legs_needed(const UploadPlan& plan) {
    const auto there = std::ranges::count(plan.left_out, OutcomeKind::ok, &Outcome::kind);
    return static_cast<std::size_t>(std::max<std::ptrdiff_t>(plan.quorum - there, 0));
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

}  // namespace

bool is_missing(const fleet::Upstream& upstream, const Outcome& outcome) {
    if (!upstream.takes_uploads()) return false;
    switch (outcome.kind) {
        case OutcomeKind::pending:
        case OutcomeKind::upstream_fault:
        case OutcomeKind::throttle:
        case OutcomeKind::cancelled:
            return true;
        default:
            return false;
    }
}

Upload::Upload(Mover& mover, Network network, const Resources& resources, UploadPlan plan,
               std::shared_ptr<base::Bell> worker_bell)
    : Job(mover),
      network_(network),
      memory_(resources.memory),
      ledger_(resources.ledger),
      confirmer_(resources.confirmer),
      plan_(std::move(plan)),
      window_bytes_(resources.spool.window_bytes),
      legs_needed_(legs_needed(plan_)),
      spool_(std::make_shared<spool::Spool>(resources.spool, resources.memory, resources.disk)),
      worker_bell_(std::move(worker_bell)),
      begun_(Steady::now()),
      pace_(std::make_unique<Pace>(plan_.targets.size())) {
    ESPALIER_CHECK(plan_.body_bytes || plan_.verify_first);
    shared_.with([&](Shared& shared) {
        for (const UploadTarget& target : plan_.targets) {
            shared.status.outcomes.push_back({.upstream = target.upstream, .reason = {}});
            legs_.emplace_back().target = target;
            legs_.back().reader = spool_->attach();
        }
        std::ranges::copy(plan_.left_out, std::back_inserter(shared.status.outcomes));
        shared.status.verdict = judge(shared.status.outcomes, plan_.quorum, plan_.required);
        if (shared.status.verdict.decision == fleet::Decision::met) shared.status.met_at = begun_;
    });
}

Upload::~Upload() = default;

void Upload::release(const BlobHash& hash) {
    spool_->seal(spool::Spool::Seal::good);
    released_ = true;
    shared_.with([&](Shared& shared) {
        shared.ending = Ending::released;
        shared.hash = hash;
        shared.size = spool_->size();
    });
    bell()->ring();
}

void Upload::drop() {
    spool_->seal(spool::Spool::Seal::failed);
    shared_.with([](Shared& shared) { shared.ending = Ending::dropped; });
    bell()->ring();
}

void Upload::cut() {
    shared_.with([](Shared& shared) { shared.ending = Ending::cut; });
    bell()->ring();
}

void Upload::entered_in_ledger() {
    const auto [hash, outcomes] = shared_.with([](Shared& shared) {
        shared.in_ledger = true;
        return std::pair(shared.hash, shared.status.outcomes);
    });
    // Those that were decided while the row was being written.
    for (const Outcome& outcome : outcomes) strike_if_settled(*hash, outcome);
}

void Upload::strike_if_settled(const BlobHash& hash, const Outcome& outcome) {
    const auto& upstream = network_.fleet.at(outcome.upstream);
    // Whom this upload left out may still be wanted by another one.
    if (!outcome.sent || is_missing(upstream, outcome)) return;
    static_cast<void>(ledger_.no_longer_missing(hash, upstream.url.text()));
    if (outcome.kind != OutcomeKind::ok && upstream.auth == fleet::Auth::service_key)
        static_cast<void>(ledger_.no_longer_kept(hash, upstream.url.text(), plan_.owner));
}

UploadStatus Upload::status() const {
    auto status = shared_.with([](const Shared& shared) { return shared.status; });
    status.body_lost = plan_.verify_first && !released_ && spool_->lost_any();
    return status;
}

std::vector<std::uint64_t> Upload::fed() const {
    std::vector<std::uint64_t> fed;
    for (const auto& offset : pace_->offsets) {
        const auto bytes = offset.load();
        fed.push_back(bytes == Pace::kGone ? 0 : std::min(bytes, spool_->size()));
    }
    return fed;
}

std::optional<Deadline> Upload::step(Steady::time_point) {
    const auto [ending, hash] =
        shared_.with([](const Shared& shared) { return std::pair(shared.ending, shared.hash); });
    if (ending == Ending::dropped || ending == Ending::cut) {
        cut_all(ending == Ending::cut ? "the blob was deleted" : "the upload was given up");
        return tell_the_end();
    }
    if (!open_ && plan_.verify_first && ending != Ending::released) return Deadline::never();
    if (!open_) open_legs();
    bool all_decided = true;
    for (Leg& leg : legs_) {
        if (!leg.decided) feed(leg);
        if (!leg.decided) read_answer(leg, hash);
        all_decided = all_decided && leg.decided;
    }
    if (pace_->worker_waits.exchange(false)) worker_bell_->ring();
    return all_decided ? tell_the_end() : Deadline::never();
}

std::optional<Deadline> Upload::tell_the_end() {
    if (plan_.on_end) plan_.on_end(status().outcomes);
    return std::nullopt;
}

void Upload::open_legs() {
    open_ = true;
    const auto [hash, size] =
        shared_.with([](const Shared& shared) { return std::pair(shared.hash, shared.size); });
    const auto promised = hash ? hash : plan_.promised;
    for (Leg& leg : legs_) {
        const auto& upstream = network_.fleet.at(leg.target.upstream);
        // Not known before, when the length was not declared.
        if (const auto most = leg.target.body_bytes_max; most != 0 && size > most) {
            decide(leg,
                   left_out(upstream.id, OutcomeKind::client_fault, 413,
                            base::text("the server takes at most ", most, " bytes")),
                   {});
            continue;
        }
        auto request =
            request_to(upstream, "PUT", plan_.transforms ? "/media" : "/upload", plan_.deadline);
        request.headers = leg.target.headers;
        if (promised) request.headers.set("X-SHA-256", promised->hex());
        if (leg.target.signer != nullptr)
            request.headers.set("Authorization", sign(leg.target, *promised));
        request.upload_bytes = plan_.body_bytes.value_or(size);
        leg.pipe = pipe_for(leg);
        request.upload = leg.pipe;
        request.stall_timeout = plan_.stall_timeout;
        limit(request, upstream.rate);
        leg.transfer = start(network_, upstream, std::move(request), bell());
    }
}

std::string Upload::sign(const UploadTarget& target, const BlobHash& hash) const {
    const auto verb = plan_.transforms ? protocol::Verb::media : protocol::Verb::upload;
    auto lifetime = ServiceKey::kLifetime;
    if (!plan_.deadline.is_never())
        lifetime += std::chrono::ceil<base::Seconds>(plan_.deadline.when() - Steady::now());
    return target.signer->token(network_.fleet.at(target.upstream), verb, hash,
                                network_.clock.unix_now(), lifetime);
}

std::shared_ptr<engine::Pipe> Upload::pipe_for(Leg& leg) {
    const auto body = std::max<std::uint64_t>(plan_.body_bytes.value_or(spool_->size()), 1);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPipeBytes, body));
    leg.memory = base::Lease(memory_);
    const bool paid = leg.memory.take(wanted);
    return std::make_shared<engine::Pipe>(paid ? wanted : std::min(wanted, kSmallPipeBytes),
                                          bell());
}

// Moves bytes from the spool into the leg's pipe while there are some and it has room.
void Upload::feed(Leg& leg) {
    // Looked at first: a leg whose pipe stays full would never come to read it.
    if (leg.reader && leg.reader->lost()) return leave_behind(leg);
    while (leg.reader && leg.pipe->room() > 0 && fill(leg)) leg.pipe->write(leg.unsent);
    const auto index = static_cast<std::size_t>(&leg - legs_.data());
    if (leg.reader) pace_->offsets[index] = leg.reader->offset();
}

bool Upload::fill(Leg& leg) {
    using Status = spool::Spool::Read::Status;
    if (!leg.unsent.empty()) return true;
    auto read = leg.reader->read(kReadBytes);
    switch (read.status) {
        case Status::bytes:
            leg.unsent = std::move(read.slice);
            return true;
        case Status::wait:
            return false;
        case Status::end:
            leg.pipe->finish();
            leg.reader.reset();
            return false;
        case Status::failed:  // dropped: the next step cuts everything
            return false;
        case Status::lost:
            leave_behind(leg);
            return false;
    }
    return false;
}

void Upload::leave_behind(Leg& leg) {
    network_.log.warning("a slow server was left behind, the spool has no room left",
                         {{"upstream", network_.fleet.host(leg.target.upstream)}});
    decide(leg,
           {.upstream = leg.target.upstream,
            .kind = OutcomeKind::cancelled,
            .reason = "fell too far behind; the spool has no room left"},
           leg.transfer.state());
}

void Upload::read_answer(Leg& leg, const std::optional<BlobHash>& hash) {
    if (!leg.transfer.decided()) return;
    const auto state = leg.transfer.state();
    const bool accepted = state.response_complete && is_success(state.response.status);
    if (accepted && !hash) {
        // It has what it wants, e.g. because it knows the blob (sheet A.17). Whether that is
        // what the client sends is known at the body's end.
        leg.reader.reset();
        pace_->offsets[static_cast<std::size_t>(&leg - legs_.data())] = Pace::kWantsNoMore;
        return;
    }
    std::optional<protocol::Descriptor> stored;
    if (accepted) {
        auto outcome = judge_answer(leg, state, *hash, stored);
        return decide(leg, std::move(outcome), state, std::move(stored));
    }
    auto outcome = outcome_of(network_.fleet.at(leg.target.upstream), state, plan_.transforms);
    // The time was the client's: it has not sent the whole body yet.
    if (!hash && outcome.broken == fleet::Break::timeout && plan_.deadline.passed())
        outcome.kind = OutcomeKind::cancelled;
    decide(leg, std::move(outcome), state);
}

// A 2xx counts only with a descriptor of the very bytes that were sent, or of what was made of
// them.
Outcome Upload::judge_answer(const Leg& leg, const engine::TransferState& state,
                             const BlobHash& hash,
                             std::optional<protocol::Descriptor>& stored) const {
    auto outcome = outcome_of(network_.fleet.at(leg.target.upstream), state, false);
    auto descriptor = protocol::parse_descriptor(state.response.body);
    if (!descriptor) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = base::text("answered ", outcome.status, " without a valid descriptor");
    } else if (descriptor->sha256 != hash && !plan_.transforms) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = "stored other bytes: its descriptor names another hash";
        outcome.wrong_hash = true;
    } else {
        stored = std::move(*descriptor);
    }
    return outcome;
}

void Upload::decide(Leg& leg, Outcome outcome, const engine::TransferState& state,
                    std::optional<protocol::Descriptor> stored) {
    const auto index = static_cast<std::size_t>(&leg - legs_.data());
    const bool ok = outcome.kind == OutcomeKind::ok;
    leg.decided = true;
    leg.reader.reset();
    leg.transfer = {};
    leg.memory = {};
    if (outcome.sent) record(network_, fleet::Op::upload, outcome, state);
    learn(leg, outcome);
    pace_->offsets[index] = ok ? Pace::kWantsNoMore : Pace::kGone;
    const auto [hash, in_ledger] = shared_.with([&](Shared& shared) {
        auto& status = shared.status;
        status.outcomes[index] = outcome;
        status.verdict = judge(status.outcomes, plan_.quorum, plan_.required);
        if (status.verdict.decision == fleet::Decision::met && !status.met_at)
            status.met_at = Steady::now();
        if (const auto time = stored ? stored->uploaded : 0; time > 0)
            status.uploaded = std::min(status.uploaded.value_or(time), time);
        if (plan_.transforms) status.made = stored;
        return std::pair(shared.hash, shared.in_ledger);
    });
    worker_bell_->ring();
    if (ok && outcome.status != 200)
        count_stored(
            network_, ledger_, network_.fleet.at(leg.target.upstream),
            static_cast<std::int64_t>(plan_.transforms && stored ? stored->size : spool_->size()));
    if (ok) confirmer_.after_store(stored ? stored->sha256 : *hash, leg.target.upstream);
    if (in_ledger) strike_if_settled(*hash, outcome);
}

// A client that has sent nothing yet teaches nothing, and PUT /media nothing about PUT /upload.
void Upload::learn(const Leg& leg, const Outcome& outcome) {
    if (spool_->size() == 0 || plan_.transforms) return;
    network_.fleet.learn_what_it_takes(
        outcome, plan_.body_bytes.value_or(spool_->size()),
        protocol::media_type(leg.target.headers.value("Content-Type")));
}

void Upload::cut_all(const std::string& why) {
    for (Leg& leg : legs_) {
        if (leg.decided) continue;
        const bool sent = static_cast<bool>(leg.transfer);
        Outcome outcome{.upstream = leg.target.upstream,
                        .kind = OutcomeKind::cancelled,
                        .sent = sent,
                        .reason = why};
        if (leg.pipe) leg.pipe->fail();
        decide(leg, std::move(outcome), sent ? leg.transfer.state() : engine::TransferState{});
    }
}

}  // namespace espalier::fanout
