#include "fanout/upload.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "base/check.h"
#include "base/text.h"
#include "protocol/descriptor.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;
using fleet::Outcome;
using fleet::OutcomeKind;
using protocol::BlobHash;

constexpr std::size_t kPipeBytes = 512UL * 1024;
constexpr std::size_t kSmallPipeBytes = 64UL * 1024;  // when no memory is left for a full one
// Reading further than this ahead of the fastest leg gains nothing: the bytes would only grow
// cold in the window.
constexpr std::uint64_t kAheadBytesMax = 1024UL * 1024;
constexpr std::size_t kReadBytes = 256UL * 1024;

// The mover is told of new bytes at the latest when there are so many, or after this long.
constexpr std::uint64_t kAnnounceBytes = 128UL * 1024;
constexpr auto kAnnounceAfter = base::Milliseconds{50};

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

// How far each leg is, so that the worker knows whether it may read on. Written by the mover.
struct Upload::Pace {
    static constexpr auto kWantsNoMore = std::numeric_limits<std::uint64_t>::max();
    static constexpr auto kGone = kWantsNoMore - 1;

    explicit Pace(std::size_t legs) : offsets(legs) {}

    // The offset of the k-th fastest live leg; kWantsNoMore for k = 0, and when fewer than k are
    // left.
    std::uint64_t kth_fastest(std::size_t k) const {
        std::vector<std::uint64_t> live;
        for (const auto& offset : offsets)
            if (const auto value = offset.load(); value != kGone) live.push_back(value);
        if (k == 0 || live.size() < k) return kWantsNoMore;
        std::ranges::nth_element(live, live.begin() + static_cast<std::ptrdiff_t>(k - 1),
                                 std::greater{});
        return live[k - 1];
    }

    // The offsets of the slowest and the fastest leg that still want bytes; nothing when none
    // does.
    struct Range {
        std::uint64_t slowest, fastest;
    };
    std::optional<Range> range() const {
        std::optional<Range> range;
        for (const auto& offset : offsets) {
            const auto value = offset.load();
            if (value >= kGone) continue;
            if (!range) range = Range{value, value};
            range = Range{std::min(range->slowest, value), std::max(range->fastest, value)};
        }
        return range;
    }

    std::vector<std::atomic<std::uint64_t>> offsets;
    std::atomic<bool> worker_waits{false};
};

Upload::Upload(Mover& mover, Network network, const Resources& resources, UploadPlan plan)
    : Job(mover),
      network_(network),
      memory_(resources.memory),
      ledger_(resources.ledger),
      confirmer_(resources.confirmer),
      plan_(std::move(plan)),
      window_bytes_(resources.spool.window_bytes),
      legs_needed_(legs_needed(plan_)),
      spool_(std::make_shared<spool::Spool>(resources.spool, resources.memory, resources.disk)),
      worker_bell_(std::make_shared<base::Bell>()),
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
        shared.status.verdict = judge(shared.status.outcomes, plan_.quorum);
        if (shared.status.verdict.decision == fleet::Decision::met) shared.status.met_at = begun_;
    });
}

Upload::~Upload() = default;

bool Upload::within_window() const {
    if (plan_.verify_first) return true;
    const auto kth = pace_->kth_fastest(legs_needed_);
    const auto size = spool_->size();
    const auto range = pace_->range();
    if (kth == Pace::kWantsNoMore || !range) return true;  // nobody left sets the pace
    if (size > range->fastest + kAheadBytesMax) return false;
    return kth >= size ||
           size - kth + kReadBytes <= std::max<std::uint64_t>(window_bytes_, 2 * kReadBytes);
}

// Whether to wait for the slowest leg rather than to write its bytes to the disk.
bool Upload::patient_with_slowest() {
    constexpr auto kFirstMoment = base::Milliseconds{20};
    const auto range = pace_->range();
    const bool would_spill = !plan_.verify_first && range &&
                             spool_->size() + kReadBytes > range->slowest + window_bytes_;
    const auto now = Steady::now();
    if (would_spill && !waiting_since_) waiting_since_ = now;
    if (!waiting_since_) return false;
    const auto waited = waited_ + (now - *waiting_since_);
    if (would_spill && waited < kFirstMoment + (now - begun_) / 10) return true;
    waited_ = waited;
    waiting_since_.reset();
    return false;
}

bool Upload::wait_for_room(Deadline deadline) {
    constexpr auto kMoment = base::Milliseconds{5};
    const auto until = waiting_since_ ? std::min(deadline, Deadline::after(kMoment)) : deadline;
    return worker_bell_->wait(until) || !deadline.passed();
}

std::span<std::byte> Upload::room(std::size_t bytes_max) {
    // Announced before looking, so that progress between the look and the wait rings.
    pace_->worker_waits = true;
    const auto room = find_room(std::min(bytes_max, kReadBytes));
    if (room.empty())
        announce();  // the legs may lack just these bytes to make room
    else
        pace_->worker_waits = false;
    return room;
}

std::span<std::byte> Upload::find_room(std::size_t bytes) {
    using WhenFull = spool::Spool::WhenFull;
    if (plan_.verify_first) return spool_->room(bytes, WhenFull::spill);
    if (!within_window() || patient_with_slowest()) return {};
    const auto room = spool_->room(bytes, WhenFull::wait);
    const auto range = pace_->range();
    // No memory is left. Those that the quorum needs are waited for; a laggard is not.
    const bool laggard = range && range->slowest < pace_->kth_fastest(legs_needed_);
    return room.empty() && laggard ? spool_->room(bytes, WhenFull::spill) : room;
}

void Upload::commit(std::size_t n) {
    spool_->commit(n);
    if (plan_.verify_first) return;
    // Small pieces are announced together, unless they come slowly.
    unannounced_ += n;
    if (unannounced_ >= kAnnounceBytes || Steady::now() - announced_ >= kAnnounceAfter) announce();
}

void Upload::announce() {
    if (std::exchange(unannounced_, 0) == 0) return;
    announced_ = Steady::now();
    bell()->ring();
}

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
    if (is_missing(upstream, outcome)) return;
    static_cast<void>(ledger_.no_longer_missing(hash, upstream.url.text()));
}

UploadStatus Upload::status() const {
    auto status = shared_.with([](const Shared& shared) { return shared.status; });
    status.body_lost = plan_.verify_first && !released_ && spool_->lost_any();
    return status;
}

std::optional<Deadline> Upload::step(Steady::time_point) {
    const auto [ending, hash] =
        shared_.with([](const Shared& shared) { return std::pair(shared.ending, shared.hash); });
    if (ending == Ending::dropped) {
        cut_all("the upload was given up");
        return std::nullopt;
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
    if (all_decided) return std::nullopt;
    return Deadline::never();
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
        auto request = request_to(upstream, "PUT", "/upload", plan_.deadline);
        request.headers = leg.target.headers;
        if (promised) request.headers.set("X-SHA-256", promised->hex());
        request.upload_bytes = plan_.body_bytes.value_or(size);
        leg.pipe = pipe_for(leg);
        request.upload = leg.pipe;
        request.stall_timeout = plan_.stall_timeout;
        leg.transfer = start(network_, upstream, std::move(request), bell());
    }
}

std::shared_ptr<engine::Pipe> Upload::pipe_for(Leg& leg) {
    leg.memory = base::Lease(memory_);
    const bool paid = leg.memory.take(kPipeBytes);
    return std::make_shared<engine::Pipe>(paid ? kPipeBytes : kSmallPipeBytes, bell());
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
    std::optional<std::int64_t> uploaded;
    if (accepted) return decide(leg, judge_answer(leg, state, *hash, uploaded), state, uploaded);
    auto outcome = outcome_of(network_.fleet.at(leg.target.upstream), state, false);
    // The time was the client's: it has not sent the whole body yet.
    if (!hash && outcome.broken == fleet::Break::timeout && plan_.deadline.passed())
        outcome.kind = OutcomeKind::cancelled;
    decide(leg, std::move(outcome), state);
}

// A 2xx counts only with a descriptor of the very bytes that were sent.
Outcome Upload::judge_answer(const Leg& leg, const engine::TransferState& state,
                             const BlobHash& hash, std::optional<std::int64_t>& uploaded) const {
    auto outcome = outcome_of(network_.fleet.at(leg.target.upstream), state, false);
    const auto descriptor = protocol::parse_descriptor(state.response.body);
    if (!descriptor) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = base::text("answered ", outcome.status, " without a valid descriptor");
    } else if (descriptor->sha256 != hash) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = "stored other bytes: its descriptor names another hash";
    } else if (descriptor->uploaded > 0) {
        uploaded = descriptor->uploaded;
    }
    return outcome;
}

void Upload::decide(Leg& leg, Outcome outcome, const engine::TransferState& state,
                    std::optional<std::int64_t> uploaded) {
    const auto index = static_cast<std::size_t>(&leg - legs_.data());
    const bool ok = outcome.kind == OutcomeKind::ok;
    leg.decided = true;
    leg.reader.reset();
    leg.transfer = {};
    leg.memory = {};
    if (outcome.sent) record(network_, fleet::Op::upload, outcome, state);
    pace_->offsets[index] = ok ? Pace::kWantsNoMore : Pace::kGone;
    const auto [hash, in_ledger] = shared_.with([&](Shared& shared) {
        auto& status = shared.status;
        status.outcomes[index] = outcome;
        status.verdict = judge(status.outcomes, plan_.quorum);
        if (status.verdict.decision == fleet::Decision::met && !status.met_at)
            status.met_at = Steady::now();
        if (uploaded) status.uploaded = std::min(status.uploaded.value_or(*uploaded), *uploaded);
        return std::pair(shared.hash, shared.in_ledger);
    });
    worker_bell_->ring();
    if (ok) confirmer_.after_store(*hash, leg.target.upstream);
    if (in_ledger) strike_if_settled(*hash, outcome);
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
