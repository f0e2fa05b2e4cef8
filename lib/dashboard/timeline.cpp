#include "dashboard/timeline.h"

#include <algorithm>

namespace espalier::dashboard {
namespace {

double rate(std::uint64_t now, std::uint64_t before, std::int64_t seconds) {
    // A server that has left takes its counters along.
    return now < before ? 0 : static_cast<double>(now - before) / static_cast<double>(seconds);
}

}  // namespace

Reading reading_of(std::uint64_t requests, const std::vector<fleet::UpstreamSnapshot>& upstreams) {
    Reading sum{.requests = requests, .lookups = {}, .uploads = {}};
    for (const auto& one : upstreams) {
        sum.bytes_up += one.bytes_up;
        sum.bytes_down += one.bytes_down;
        sum.lookups += one.lookups_took;
        sum.uploads += one.uploads_took;
    }
    return sum;
}

void Timeline::read(std::int64_t now, const Reading& reading) {
    const auto last = std::exchange(last_, Last{now, reading});
    if (!last || now <= last->at) return;
    const auto seconds = now - last->at;
    const auto& before = last->reading;
    const auto lookups = reading.lookups.since(before.lookups);
    const auto uploads = reading.uploads.since(before.uploads);
    samples_.with([&](std::deque<Sample>& samples) {
        samples.push_back({.at = now,
                           .requests = rate(reading.requests, before.requests, seconds),
                           .bytes_up = rate(reading.bytes_up, before.bytes_up, seconds),
                           .bytes_down = rate(reading.bytes_down, before.bytes_down, seconds),
                           .lookup_p50 = lookups.quantile(0.5),
                           .lookup_p95 = lookups.quantile(0.95),
                           .upload_p50 = uploads.quantile(0.5),
                           .upload_p95 = uploads.quantile(0.95)});
        if (samples.size() > kSamples) samples.pop_front();
    });
}

std::vector<Sample> Timeline::samples(std::int64_t after) const {
    return samples_.with([&](const std::deque<Sample>& samples) {
        const auto first = std::ranges::upper_bound(samples, after, {}, &Sample::at);
        return std::vector<Sample>(first, samples.end());
    });
}

}  // namespace espalier::dashboard
