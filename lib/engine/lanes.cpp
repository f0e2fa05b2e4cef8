#include "engine/lanes.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace espalier::engine {
namespace {

// By the first host: a redirect does not change lanes.
std::string lane_of(const Exchange& exchange) {
    return base::text(exchange.has_upload() ? "body " : "", exchange.upstream());
}

}  // namespace

Lanes::Entry Lanes::enter(const std::shared_ptr<Exchange>& exchange) {
    const auto most = exchange->request().at_once_max;
    if (most == 0) return Entry::begins;
    auto& lane = lanes_[lane_of(*exchange)];
    if (lane.under_way < most) {
        ++lane.under_way;
        return Entry::begins;
    }
    if (lane.waiting.size() >= kWaitingMax) return Entry::refused;
    lane.waiting.push_back(exchange);
    return Entry::waits;
}

void Lanes::give_up(const Exchange& exchange) {
    const auto found = lanes_.find(lane_of(exchange));
    if (found == lanes_.end()) return;
    std::erase_if(found->second.waiting,
                  [&](const auto& waiting) { return waiting.get() == &exchange; });
}

std::shared_ptr<Exchange> Lanes::leave(const Exchange& exchange) {
    if (exchange.request().at_once_max == 0) return nullptr;
    const auto found = lanes_.find(lane_of(exchange));
    auto& [under_way, waiting] = found->second;
    if (!waiting.empty()) {
        auto next = std::move(waiting.front());
        waiting.pop_front();
        return next;
    }
    if (--under_way == 0) lanes_.erase(found);
    return nullptr;
}

std::vector<std::shared_ptr<Exchange>> Lanes::all_waiting() const {
    std::vector<std::shared_ptr<Exchange>> all;
    for (const auto& [name, lane] : lanes_)
        std::ranges::copy(lane.waiting, std::back_inserter(all));
    return all;
}

}  // namespace espalier::engine
