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

std::vector<Outcome> those_of(Outcomes outcomes, UpstreamSet servers) {
    std::vector<Outcome> theirs;
    if (servers.empty()) return theirs;
    std::ranges::copy_if(outcomes, std::back_inserter(theirs),
                         [&](const Outcome& outcome) { return servers.has(outcome.upstream); });
    return theirs;
}

std::vector<Outcome> refusals_among(Outcomes outcomes) {
    std::vector<Outcome> refusals;
    std::ranges::copy_if(outcomes, std::back_inserter(refusals), [](const Outcome& outcome) {
        return outcome.kind != OutcomeKind::ok && outcome.kind != OutcomeKind::pending;
    });
    return refusals;
}

// `missing`: so many of the refusals stand between us and the quorum.
int status_of(Outcomes refusals, int missing) {
    const int scoped_out = count(refusals, OutcomeKind::out_of_scope);
    const int unpaid = count(refusals, OutcomeKind::pay);
    if (scoped_out > 0 && scoped_out >= missing) return 401;
    if (unpaid > 0 && unpaid >= missing) return 402;
    if (count(refusals, OutcomeKind::upstream_fault) > 0) return status_of_faults(refusals);
    const auto all = static_cast<int>(refusals.size());
    if (all > 0 && count(refusals, OutcomeKind::throttle) == all) return 429;
    return most_frequent_client_code(refusals);
}

// Whether this refusal is one of those that made the status.
bool decides(const Outcome& refusal, int status) {
    switch (refusal.kind) {
        case OutcomeKind::out_of_scope:
            return status == 401;
        case OutcomeKind::pay:
            return status == 402;
        case OutcomeKind::throttle:
            return status == 429;
        case OutcomeKind::client_fault:
            return status == refusal.status;
        default:
            return status >= 500;
    }
}

// The complaints that decided, else the first one; each once, a few at most.
std::string complaints(Outcomes refusals, int status) {
    constexpr std::size_t kMost = 3;
    std::vector<std::string_view> said;
    std::string_view first;
    for (const Outcome& refusal : refusals) {
        const std::string_view reason = refusal.reason;
        if (reason.empty()) continue;
        if (first.empty()) first = reason;
        if (!decides(refusal, status) || std::ranges::find(said, reason) != said.end()) continue;
        if (said.size() < kMost) said.push_back(reason);
    }
    if (said.empty() && !first.empty()) said.push_back(first);
    std::string all;
    for (const auto reason : said) all += base::text(all.empty() ? ": " : "; ", reason);
    return all;
}

std::string sentence(const Verdict& so_far, int quorum, Outcomes refusals) {
    return base::text(
        "only ", so_far.acknowledged + so_far.pending, " of the ", quorum,
        so_far.pending > 0 ? " required servers can accept" : " required servers accepted",
        complaints(refusals, so_far.status));
}

}  // namespace

Verdict judge(Outcomes outcomes, int quorum, UpstreamSet required) {
    Verdict verdict{.acknowledged = count(outcomes, OutcomeKind::ok),
                    .pending = count(outcomes, OutcomeKind::pending)};
    const auto needed = those_of(outcomes, required);
    const auto blocking = refusals_among(needed);
    const bool too_few = verdict.acknowledged + verdict.pending < quorum;
    if (!blocking.empty() || too_few) {
        const auto refusals = too_few ? refusals_among(outcomes) : blocking;
        const int missing = too_few ? quorum - verdict.acknowledged - verdict.pending : 1;
        verdict.decision = Decision::impossible;
        verdict.status = status_of(refusals, missing);
        verdict.reason =
            too_few ? sentence(verdict, quorum, refusals)
                    : base::text("a server that must have every blob did not accept this one",
                                 complaints(refusals, verdict.status));
        verdict.retry_after = longest_retry(outcomes);
    } else if (verdict.acknowledged >= quorum && count(needed, OutcomeKind::pending) == 0) {
        verdict.decision = Decision::met;
        verdict.status = status_when_met(outcomes);
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
        const auto missing = static_cast<int>(others.size());
        verdict.status = status_of(others, missing);
        verdict.reason = base::text("none of ", missing, " servers deleted it",
                                    complaints(others, verdict.status));
    }
    verdict.retry_after = longest_retry(outcomes);
    return verdict;
}

Verdict judge_question(Outcomes outcomes, std::string_view what) {
    Verdict verdict{.decision = Decision::met, .acknowledged = count(outcomes, OutcomeKind::ok)};
    verdict.status = 200;
    if (verdict.acknowledged > 0) return verdict;
    verdict.decision = Decision::impossible;
    verdict.retry_after = longest_retry(outcomes);
    const auto all = static_cast<int>(outcomes.size());
    const auto unable = count(outcomes, OutcomeKind::capability);
    if (all > 0 && unable == all) {
        verdict.status = 501;
        verdict.reason = base::text("no server offers ", what);
        return verdict;
    }
    const auto refused =
        count(outcomes, OutcomeKind::client_fault) + count(outcomes, OutcomeKind::throttle);
    verdict.status = all > 0 && unable + refused == all ? most_frequent_client_code(outcomes) : 503;
    verdict.reason =
        base::text("no server answered with ", what, complaints(outcomes, verdict.status));
    return verdict;
}

}  // namespace espalier::fleet
