// The loop's shares: how fast each exchange may be that a Rate limits.
#include "engine/easy.h"
#include "engine/loop.h"
#include "engine/rate.h"

namespace espalier::engine {
namespace {

// The smaller one, of those that are limits at all.
std::uint64_t tighter(std::uint64_t a, std::uint64_t b) {
    if (a == 0 || b == 0) return std::max(a, b);
    return std::min(a, b);
}

}  // namespace

void Loop::join_rates(Exchange& exchange) {
    for (const auto& rate : exchange.request().rates) rate->users_.push_back(&exchange);
    share_out(exchange);
}

void Loop::leave_rates(Exchange& exchange) {
    for (const auto& rate : exchange.request().rates) std::erase(rate->users_, &exchange);
    share_out(exchange);
}

// For all who share anything with this one.
void Loop::share_out(const Exchange& exchange) {
    for (const auto& rate : exchange.request().rates) {
        for (Exchange* user : rate->users_) {
            auto& speed = user->desk.speed;
            speed = {};
            for (const auto& limit : user->request().rates) {
                speed.up = tighter(speed.up, limit->share(limit->up_max_));
                speed.down = tighter(speed.down, limit->share(limit->down_max_));
            }
            if (user->desk.easy) user->desk.easy->limit(speed);
        }
    }
}

}  // namespace espalier::engine
