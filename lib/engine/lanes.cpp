#include "engine/lanes.h"

#include "base/text.h"

namespace espalier::engine {
namespace {

// By the first host: a redirect does not change lanes.
std::string lane_of(const Exchange& exchange) {
    return base::text(exchange.has_upload() ? "body " : "", exchange.upstream());
}

}  // namespace

bool Lanes::enter(const std::shared_ptr<Exchange>& exchange) {
    const auto most = exchange->request().at_once_max;
    if (most == 0) return true;
    auto& lane = lanes_[lane_of(*exchange)];
    if (lane.under_way < most) {
        ++lane.under_way;
        return true;
    }
    lane.waiting.push_back(exchange);
    return false;
}

std::shared_ptr<Exchange> Lanes::leave(const Exchange& exchange) {
    if (exchange.request().at_once_max == 0) return nullptr;
    const auto found = lanes_.find(lane_of(exchange));
    auto& [under_way, waiting] = found->second;
    while (!waiting.empty()) {
        auto next = std::move(waiting.front());
        waiting.pop_front();
        if (!next->over()) return next;
    }
    if (--under_way == 0) lanes_.erase(found);
    return nullptr;
}

std::vector<std::shared_ptr<Exchange>> Lanes::take_waiting() {
    std::vector<std::shared_ptr<Exchange>> all;
    for (auto& [name, lane] : lanes_) {
        for (auto& exchange : lane.waiting)
            if (!exchange->over()) all.push_back(std::move(exchange));
        lane.waiting.clear();
    }
    return all;
}

}  // namespace espalier::engine
