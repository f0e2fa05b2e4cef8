// An Upload's side of the worker: how much of the body may be read now.
#include <algorithm>
#include <utility>

#include "fanout/pace.h"
#include "fanout/upload.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Steady;

constexpr std::size_t kReadBytes = 256UL * 1024;
// Reading further than this ahead of the fastest leg gains nothing: the bytes would only grow
// cold in the window.
constexpr std::uint64_t kAheadBytesMax = 1024UL * 1024;
// The mover is told of new bytes at the latest when there are so many, or after this long.
constexpr std::uint64_t kAnnounceBytes = 128UL * 1024;
constexpr auto kAnnounceAfter = base::Milliseconds{50};

}  // namespace

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

// Whether to wait for the slowest leg rather than to write its bytes to the disk, which would
// have to be done now.
bool Upload::patient_with_slowest(bool would_spill) {
    constexpr auto kFirstMoment = base::Milliseconds{20};
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
    if (!within_window()) return {};
    const auto range = pace_->range();
    if (patient_with_slowest(range && spool_->size() + kReadBytes > range->slowest + window_bytes_))
        return {};
    const auto room = spool_->room(bytes, WhenFull::wait);
    if (!room.empty()) return room;
    // No memory is left. Those that the quorum needs are waited for; a laggard, who alone keeps
    // the oldest block there, is not.
    const auto needed = std::min(spool_->oldest_end(), spool_->visible_end());
    const bool laggard =
        range && range->slowest < needed && pace_->kth_fastest(legs_needed_) >= needed;
    if (!laggard || patient_with_slowest(laggard)) return {};
    return spool_->room(bytes, WhenFull::spill);
}

void Upload::commit(std::size_t n) {
    spool_->commit(n);
    if (plan_.verify_first) return;
    unannounced_ += n;
    if (unannounced_ >= kAnnounceBytes || Steady::now() - announced_ >= kAnnounceAfter) announce();
}

Deadline Upload::patience(Deadline deadline) const {
    return unannounced_ == 0 ? deadline
                             : std::min(deadline, Deadline::at(announced_ + kAnnounceAfter));
}

void Upload::announce() {
    if (std::exchange(unannounced_, 0) == 0) return;
    announced_ = Steady::now();
    bell()->ring();
}

}  // namespace espalier::fanout
