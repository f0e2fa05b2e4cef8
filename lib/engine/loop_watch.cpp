// The loop's watchdog: deadlines and stalls.
#include <algorithm>
#include <utility>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "base/text.h"
#include "engine/easy.h"
#include "engine/loop.h"

namespace espalier::engine {

using base::Error;
using base::ErrorKind;
using base::Origin;

namespace {

constexpr std::uint64_t kBytesStoredPerSecond = 8ULL * 1024 * 1024;  // by the slowest of disks

// Whom we hold back moves a piece, and then waits for as long as that should have taken.
base::Milliseconds longest_wait(const Exchange::Speed& speed) {
    base::Seconds longest{0};
    if (speed.up != 0) longest += base::Seconds(2 * Easy::kLimitedBufferBytes / speed.up);
    if (speed.down != 0) longest += base::Seconds(2 * Easy::kLimitedBurstBytes / speed.down);
    return longest;
}

Error too_slow(const Exchange& exchange, std::string_view how) {
    return {.kind = ErrorKind::timeout,
            .reason = base::text(exchange.upstream(), how),
            .origin = Origin::upstream,
            .retryable = !exchange.began()};
}

}  // namespace

void Loop::watch(Exchange& exchange) {
    const auto& request = exchange.request();
    const auto interval = std::max(request.stall_timeout / 4, base::Milliseconds(1));
    exchange.desk.due = std::min(request.deadline.when(), now_ + interval);
    agenda_.add(exchange.desk.due, &exchange);
}

void Loop::look_at_due() {
    while (auto* exchange = agenda_.take_due(now_)) look_at(*exchange);
}

void Loop::look_at(Exchange& exchange) {
    auto& desk = exchange.desk;
    const auto& request = exchange.request();
    if (desk.waiting) return refuse(exchange, too_many_already(exchange));
    if (desk.last_grace) return end(exchange, std::nullopt);
    if (request.deadline.passed(now_))
        return end(exchange, exchange.verdict(too_slow(exchange, " did not answer in time")));
    const auto pauses = exchange.pauses();
    if (!exchange.began() || pauses.send || pauses.receive || has_moved(exchange))
        desk.last_progress = now_;
    if (now_ - desk.last_progress >= patience_with(exchange))
        return end(exchange, exchange.verdict(too_slow(exchange, " stalled")));
    watch(exchange);
}

// Who has a whole upload is given time to store it.
base::Milliseconds Loop::patience_with(const Exchange& exchange) const {
    const auto& request = exchange.request();
    const auto held_back = longest_wait(exchange.desk.speed);
    const bool sent =
        exchange.has_upload() && exchange.desk.easy->bytes_uploaded() == *request.upload_bytes;
    if (!sent) return request.stall_timeout + held_back;
    return request.stall_timeout + held_back +
           base::Seconds(*request.upload_bytes / kBytesStoredPerSecond);
}

// Whether bytes have moved since the last call: to curl, or from the kernel to the network.
bool Loop::has_moved(Exchange& exchange) const {
    check_thread();
    auto& desk = exchange.desk;
    int unsent = 0;
    if (desk.upload_socket >= 0) ::ioctl(desk.upload_socket, SIOCOUTQ, &unsent);
    // Bytes only ever move on, so that this sum grows exactly when some have.
    const auto sum = exchange.bytes_received() + 2 * desk.easy->bytes_uploaded() -
                     static_cast<std::uint64_t>(unsent);
    return std::exchange(desk.bytes_moved, sum) != sum;
}

}  // namespace espalier::engine
