#include "fleet/rank.h"

#include <algorithm>
#include <cmath>

namespace espalier::fleet {
namespace {

// 0 good, 1 good but just given, 2 good but draining, 3 suspect or unhealthy.
int tier(const Candidate& candidate) {
    if (candidate.suspect || !candidate.healthy) return 3;
    if (candidate.draining) return 2;
    return candidate.just_given ? 1 : 0;
}

// splitmix64's finaliser: spreads (dice, id) evenly.
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

// Who of several with exponential waiting times comes first is a matter of their weights.
double waiting_time(const Candidate& candidate, std::uint64_t dice) {
    constexpr double kUnit = 0x1p-53;
    const auto luck = static_cast<double>((mixed(dice + candidate.id) >> 11U) + 1) * kUnit;
    return -std::log(luck) / candidate.weight;
}

base::Milliseconds speed(const Candidate& candidate) {
    return candidate.lookup_p50.value_or(base::Milliseconds::max());
}

bool better(const Candidate& a, const Candidate& b, Strategy strategy, std::uint64_t dice) {
    if (tier(a) != tier(b)) return tier(a) < tier(b);
    switch (strategy) {
        case Strategy::fastest:
            if (speed(a) != speed(b)) return speed(a) < speed(b);
            [[fallthrough]];
        case Strategy::random:
            return waiting_time(a, dice) < waiting_time(b, dice);
        case Strategy::health_based:
            if (a.failures != b.failures) return a.failures < b.failures;
            [[fallthrough]];
        case Strategy::priority:
            if (a.priority != b.priority) return a.priority < b.priority;
            return a.id < b.id;
        case Strategy::round_robin:
        case Strategy::local:
            break;
    }
    return a.id < b.id;
}

}  // namespace

void rank(std::span<Candidate> candidates, Strategy strategy, std::uint64_t dice) {
    const auto before = [&](const Candidate& a, const Candidate& b) {
        return better(a, b, strategy, dice);
    };
    std::ranges::sort(candidates, before);
    if (strategy != Strategy::round_robin && strategy != Strategy::local) return;
    // The good ones take turns; the others keep their places behind them.
    const auto good = std::ranges::partition_point(
        candidates, [](const Candidate& candidate) { return tier(candidate) == 0; });
    std::uint64_t turns = 0;
    for (auto it = candidates.begin(); it != good; ++it) turns += it->weight;
    if (turns == 0) return;
    auto first = candidates.begin();
    for (auto turn = dice % turns; turn >= first->weight; ++first) turn -= first->weight;
    std::rotate(candidates.begin(), first, good);
}

}  // namespace espalier::fleet
