#include "fleet/judge.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"

namespace espalier::fleet {
namespace {

using Outcomes = std::span<const Outcome>;

int count(Outcomes outcomes, OutcomeKind kind) {
    return static_cast<int>(std::ranges::count(outcomes, kind, &Outcome::kind));
}

int status_when_met(Outcomes outcomes) {
    const bool created = std::ranges::any_of(outcomes, [](const Outcome& outcome) {
        return outcome.kind == OutcomeKind::ok && (outcome.status == 201 || outcome.status == 202);
    });
    return created ? 201 : 200;
}

int status_of_faults(Outcomes outcomes) {
    int faults = 0;
    int timeouts = 0;
    int unreachable = 0;
    int others = 0;
    for (const Outcome& outcome : outcomes) {
        if (outcome.kind != OutcomeKind::upstream_fault) {
            ++others;
            continue;
        }
        ++faults;
        if (outcome.broken == Break::timeout) ++timeouts;
        // Left out while it is down or paused counts as not connected.
        if (outcome.broken == Break::refused || !outcome.sent) ++unreachable;
    }
    if (timeouts == faults) return 504;
    if (unreachable == faults && others == 0) return 503;
    return 502;
}

std::optional<base::Seconds> longest_retry(Outcomes outcomes) {
    std::optional<base::Seconds> longest;
    for (const Outcome& outcome : outcomes)
        if (outcome.retry_after)
            longest = std::max(longest.value_or(base::Seconds{0}), *outcome.retry_after);
    return longest;
}

// A tie is broken in this order; a code that is not named comes last.
int place_in_tie(int status) {
    constexpr std::array kOrder{413, 415, 403, 401, 409, 400};
    return static_cast<int>(std::ranges::find(kOrder, status) - kOrder.begin());
}

int most_frequent_client_code(Outcomes outcomes) {
    std::map<int, int> votes;
    for (const Outcome& outcome : outcomes) {
        if (outcome.kind == OutcomeKind::client_fault) ++votes[outcome.status];
        if (outcome.kind == OutcomeKind::throttle) ++votes[429];
    }
    // None can do it at all: 502. Otherwise it was given up by us
    // (shutting down, no room to keep the body): 503.
    if (votes.empty()) return count(outcomes, OutcomeKind::capability) > 0 ? 502 : 503;
    return std::ranges::max_element(votes,
                                    [](const auto& a, const auto& b) {
                                        if (a.second != b.second) return a.second < b.second;
                                        return place_in_tie(a.first) > place_in_tie(b.first);
                                    })
        ->first;
}

int status_below_quorum(Outcomes outcomes, int acknowledged, int quorum) {
    const int missing = quorum - acknowledged;
    const int scoped_out = count(outcomes, OutcomeKind::out_of_scope);
    const int unpaid = count(outcomes, OutcomeKind::pay);
    if (scoped_out > 0 && scoped_out >= missing) return 401;
    if (unpaid > 0 && unpaid >= missing) return 402;
    const auto refusals = static_cast<int>(outcomes.size()) - acknowledged;
    if (count(outcomes, OutcomeKind::upstream_fault) > 0) {
        std::vector<Outcome> not_ok;
        std::ranges::copy_if(outcomes, std::back_inserter(not_ok), [](const Outcome& outcome) {
            return outcome.kind != OutcomeKind::ok;
        });
        return status_of_faults(not_ok);
    }
    if (refusals > 0 && count(outcomes, OutcomeKind::throttle) == refusals) return 429;
    return most_frequent_client_code(outcomes);
}

std::string sentence(Outcomes outcomes, int acknowledged, int quorum) {
    std::string reason =
        base::text("only ", acknowledged, " of the ", quorum, " required servers accepted");
    for (const Outcome& outcome : outcomes) {
        if (outcome.kind == OutcomeKind::ok || outcome.reason.empty()) continue;
        base::append_text(reason, ": ");
        base::append_text(reason, outcome.reason);
        break;
    }
    return reason;
}

}  // namespace

Verdict judge(Outcomes outcomes, int quorum) {
    Verdict verdict{.acknowledged = count(outcomes, OutcomeKind::ok),
                    .pending = count(outcomes, OutcomeKind::pending)};
    if (verdict.acknowledged >= quorum) {
        verdict.decision = Decision::met;
        verdict.status = status_when_met(outcomes);
    } else if (verdict.acknowledged + verdict.pending < quorum) {
        verdict.decision = Decision::impossible;
        verdict.status = status_below_quorum(outcomes, verdict.acknowledged, quorum);
        verdict.reason = sentence(outcomes, verdict.acknowledged, quorum);
        verdict.retry_after = longest_retry(outcomes);
    }
    return verdict;
}

Verdict judge_delete(Outcomes outcomes, bool any_suffices) {
    const auto removed = count(outcomes, OutcomeKind::ok);
    std::vector<Outcome> others;  // who may still have a copy
    std::ranges::copy_if(outcomes, std::back_inserter(others), [](const Outcome& o) {
        const bool is_absent = o.kind == OutcomeKind::client_fault && o.status == 404;
        return o.kind != OutcomeKind::ok && !is_absent;
    });
    const auto absent = static_cast<int>(outcomes.size() - others.size()) - removed;
    const auto all = static_cast<int>(outcomes.size());
    Verdict verdict{.decision = Decision::met, .acknowledged = removed + absent};
    if (removed > 0 && (any_suffices || removed + absent == all)) {
        verdict.status = 204;
        return verdict;
    }
    verdict.decision = Decision::impossible;
    if (absent == all) {
        verdict.status = 404;
        verdict.reason = "no server has this blob";
    } else if (removed > 0 || (absent > 0 && count(others, OutcomeKind::upstream_fault) > 0)) {
        verdict.status = 502;
        verdict.reason = base::text("gone from ", removed + absent, " of ", all,
                                    " servers; copies may remain on the others");
    } else {
        verdict.status = status_below_quorum(others, 0, static_cast<int>(others.size()));
        verdict.reason = sentence(others, 0, static_cast<int>(others.size()));
    }
    verdict.retry_after = longest_retry(outcomes);
    return verdict;
}

}  // namespace espalier::fleet
