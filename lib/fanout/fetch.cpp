#include "fanout/fetch.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "engine/content_range.h"
#include "fanout/blob_head.h"
#include "protocol/mime.h"

namespace espalier::fanout {
namespace {

using base::ErrorKind;
using base::Slice;
using fleet::Outcome;
using fleet::OutcomeKind;

constexpr std::size_t kPipeBytes = 512UL * 1024;
constexpr std::size_t kPieceBytes = 64UL * 1024;
// A server that sends fewer bytes of a range at a time would be asked too often.
constexpr std::uint64_t kPartBytesLeast = 64ULL * 1024;
// After so long somebody looks whether anybody still reads.
constexpr base::Milliseconds kSilence{250};
// Waking up for less costs more than it brings: nothing of a small blob is given before its end.
constexpr std::size_t kWorthWaking = 64UL * 1024;

}  // namespace

Fetch::Fetch(Network network, FetchPlan plan)
    : network_(network),
      plan_(std::move(plan)),
      origins_(plan_.origins.begin(), plan_.origins.end()),
      // A server that broke off may go on where it stopped, when there is no other.
      tries_left_(plan_.origins.size() + 2),
      size_(plan_.size),
      end_(plan_.part ? std::optional(plan_.part->end) : plan_.size),
      at_(plan_.part ? plan_.part->first : 0) {
    ESPALIER_CHECK(!plan_.part || plan_.size);
}

Fetch::~Fetch() {
    if (transfer_)
        end_exchange(
            {.upstream = server_, .kind = OutcomeKind::cancelled, .reason = "the client has gone"});
}

base::Result<void> Fetch::open() {
    auto slice = next();
    if (!slice) return std::unexpected(std::move(slice).error());
    first_ = std::move(*slice);
    return {};
}

base::Result<Slice> Fetch::next() {
    if (first_) return *std::exchange(first_, std::nullopt);
    for (;;) {
        if (!held_.empty() && may_give()) {
            auto slice = std::move(held_.front());
            held_.pop_front();
            held_bytes_ -= slice.size();
            given_any_ = true;
            return slice;
        }
        if (complete_) return Slice{};
        const auto more = pull();
        if (!more) return std::unexpected(more.error());
        complete_ = !*more;
    }
}

bool Fetch::may_give() const {
    // The end of a part waits for its exchange's: who reads the part has no reason to ask again.
    if (complete_ || plan_.part) return complete_ || !has_all();
    const auto known = std::max(at_, size_.value_or(0));
    return known > plan_.verify_first_bytes &&
           held_bytes_ - held_.front().size() >= plan_.hold_back_bytes;
}

bool Fetch::begin_with_next() {
    if (origins_.empty() || tries_left_ == 0) return false;
    --tries_left_;
    server_ = origins_.front();
    origins_.pop_front();
    begin();
    return true;
}

void Fetch::begin() {
    const auto& upstream = network_.fleet.at(server_);
    auto request = blob_request(upstream, plan_.hash, base::Deadline::never());
    if (plan_.part)
        request.headers.add("Range", base::text("bytes=", at_, '-', plan_.part->end - 1));
    else if (at_ > 0)
        request.headers.add("Range", base::text("bytes=", at_, '-'));
    request.stall_timeout = plan_.stall_timeout;
    const bool all_held = !plan_.part && size_ && *size_ <= plan_.verify_first_bytes;
    pipe_ = std::make_shared<engine::Pipe>(kPipeBytes, bell_, all_held ? kPipeBytes : kWorthWaking);
    request.download = pipe_;
    answer_ = {.begun_at = at_, .end = {}};
    transfer_ = start(network_, upstream, std::move(request), bell_);
}

base::Result<bool> Fetch::pull() {
    for (;;) {
        if (!transfer_ && !begin_with_next()) return std::unexpected(error());
        if (!answer_.head_read) {
            const auto state = transfer_.state();
            if (state.head_received) {
                answer_.head_read = true;
                if (auto wrong = read_head(state.response); !wrong.empty()) {
                    fail(std::move(wrong));
                    continue;
                }
            } else if (state.over) {
                fail({});
                continue;
            }
        }
        if (answer_.head_read) {
            if (auto slice = read_piece(); !slice.empty()) {
                take_in(std::move(slice));
                // The answer would go on.
                if (has_all() && (answer_.end != end_ || answer_.too_long)) return body_ended();
                return true;
            }
            const auto end = pipe_->end();
            if (end == engine::Pipe::End::finished) {
                if (answer_is_all()) return body_ended();
                continue;
            }
            if (end != engine::Pipe::End::open) {
                if (has_all()) return body_ended();
                fail({});
                continue;
            }
        }
        if (!bell_->wait(base::Deadline::after(kSilence)) && plan_.reader_gone())
            return base::fail(ErrorKind::reset, "the client has gone", base::Origin::client);
    }
}

// One piece of many: who writes it to a client does so at once.
Slice Fetch::read_piece() {
    const auto here = std::min(pipe_->size(), kPieceBytes);
    if (here == 0) return {};
    auto block = base::make_block(here);
    const auto n = pipe_->read(std::span(block.get(), here));
    return Slice(std::move(block), 0, n);
}

std::string Fetch::read_head(const engine::Response& response) {
    if (response.status != 200 && response.status != 206)
        return base::text("answered ", response.status);
    if (is_encoded(response)) return "sent an encoded body";
    if (contributors_.empty()) type_ = protocol::clean_mime(response.headers.value("Content-Type"));
    return read_length(response);
}

std::string Fetch::read_length(const engine::Response& response) {
    const auto length = base::parse_number(response.headers.value("Content-Length"));
    auto size = length;
    if (response.status == 206) {
        const auto range = engine::parse_content_range(response.headers.value("Content-Range"));
        if (!range || range->first != at_) return "sent another part than was asked for";
        answer_.end = range->last + 1;
        size = range->size;
    } else {
        answer_.to_skip = at_;
    }
    if (size && size_ && *size != *size_ && !may_believe(*size))
        return base::text("says that the blob has ", *size, " bytes, not ", *size_);
    if (size) size_ = size;
    if (!plan_.part && size_) end_ = size_;
    if (response.status == 200) answer_.end = size_;
    return {};
}

// Before a byte is here nobody knows who is wrong, the one who has stated the size before or this
// one: what is said twice is believed, and the digest judges.
bool Fetch::may_believe(std::uint64_t size) {
    if (plan_.part || !contributors_.empty()) return false;
    if (other_size_ == size) return true;
    other_size_ = size;
    origins_.push_back(server_);
    return false;
}

void Fetch::take_in(Slice slice) {
    if (answer_.to_skip > 0) {
        const auto n = std::min<std::uint64_t>(answer_.to_skip, slice.size());
        slice.take_front(n);
        answer_.to_skip -= n;
    }
    if (end_ && at_ + slice.size() > *end_) {
        answer_.too_long = answer_.end == end_;
        slice = slice.take_front(*end_ - at_);
    }
    if (slice.empty()) return;
    if (!plan_.part) digest_.update(slice.bytes());
    contributors_.add(server_);
    at_ += slice.size();
    held_bytes_ += slice.size();
    held_.push_back(std::move(slice));
}

bool Fetch::answer_is_all() {
    if (has_all() || (!end_ && answer_.to_skip == 0)) return true;
    // Some send only so many bytes of a range at a time (sheet A.17).
    const bool as_announced =
        answer_.end && at_ == *answer_.end && at_ >= answer_.begun_at + kPartBytesLeast;
    if (!as_announced) {
        fail("sent fewer bytes than it should");
        return false;
    }
    end_exchange(outcome_of(network_.fleet.at(server_), transfer_.state(), false));
    begin();
    return false;
}

base::Result<bool> Fetch::body_ended() {
    if (!size_) size_ = at_;
    auto outcome = Outcome{.upstream = server_, .status = 200, .reason = {}};
    outcome.elapsed = transfer_.state().elapsed;
    if (plan_.part || protocol::BlobHash(digest_.finish()) == plan_.hash) {
        outcome.kind = answer_.too_long ? OutcomeKind::upstream_fault : OutcomeKind::ok;
        if (answer_.too_long) outcome.reason = "sent more bytes than it should";
        end_exchange(outcome);
        return false;
    }
    ++mismatches_;
    if (contributors_.size() == 1) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = "sent bytes of another hash";
        outcome.wrong_hash = true;
        network_.map.forget(plan_.hash, server_);
    } else {
        outcome.kind = OutcomeKind::cancelled;
        outcome.reason = "the bytes of several servers disagree";
        origins_.push_front(server_);  // alone it may be right
    }
    failures_.push_back(outcome);
    end_exchange(outcome);
    if (given_any_) return std::unexpected(error());
    start_over();
    return true;
}

void Fetch::start_over() {
    held_.clear();
    held_bytes_ = 0;
    digest_ = {};
    contributors_ = {};
    at_ = 0;
    size_ = end_ = plan_.size;
}

void Fetch::fail(std::string why) {
    const auto state = transfer_.state();
    auto outcome = outcome_of(network_.fleet.at(server_), state, false);
    const bool broke_off = answer_.head_read && why.empty();
    // Whoever says no, in whatever words, is believed; whoever says yes must do as it says.
    if (!why.empty() && (outcome.kind == OutcomeKind::ok || outcome.kind == OutcomeKind::pending)) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = std::move(why);
    } else if (outcome.kind == OutcomeKind::ok || outcome.kind == OutcomeKind::pending) {
        outcome.kind = OutcomeKind::upstream_fault;
        outcome.reason = "broke off";
    }
    if (outcome.status == 404 || outcome.status == 410) network_.map.forget(plan_.hash, server_);
    if (broke_off) origins_.push_back(server_);
    if (!origins_.empty()) ++failovers_;
    failures_.push_back(outcome);
    end_exchange(outcome);
}

void Fetch::end_exchange(const Outcome& outcome) {
    record(network_, fleet::Op::download, outcome, transfer_.state());
    transfer_ = {};
    pipe_.reset();
}

base::Error Fetch::error() const {
    const auto all = [this](auto is) {
        return !failures_.empty() && std::ranges::all_of(failures_, is);
    };
    auto kind = ErrorKind::upstream;
    if (all([](const Outcome& out) { return out.status == 404 || out.status == 410; }))
        kind = ErrorKind::missing;
    if (all([](const Outcome& out) { return out.broken == fleet::Break::timeout; }))
        kind = ErrorKind::timeout;
    std::string why = "the blob could not be fetched";
    for (const Outcome& outcome : failures_)
        why += base::text("; ", network_.fleet.host(outcome.upstream), ": ", outcome.reason);
    return {.kind = kind, .reason = std::move(why), .origin = base::Origin::upstream};
}

}  // namespace espalier::fanout
