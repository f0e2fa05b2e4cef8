#include "fleet/rank.h"

#include <algorithm>

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
            return mixed(dice + a.id) < mixed(dice + b.id);
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
    const auto turns = good - candidates.begin();
    if (turns > 1)
        std::rotate(candidates.begin(),
                    candidates.begin() +
                        static_cast<std::ptrdiff_t>(dice % static_cast<std::uint64_t>(turns)),
                    good);
}

}  // namespace espalier::fleet
