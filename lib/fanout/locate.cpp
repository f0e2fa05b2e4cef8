#include "fanout/locate.h"

#include <algorithm>

namespace espalier::fanout {

using base::Deadline;
using base::Milliseconds;
using base::Steady;
using fleet::Outcome;
using protocol::BlobHash;

Milliseconds patience_with(std::optional<Milliseconds> p95) {
    constexpr Milliseconds kUnknown{100}, kLeast{5}, kMost{1'000};
    return std::clamp(p95.value_or(kUnknown), kLeast, kMost);
}

// One lookup under way, shared by everybody who asks for the same blob.
class Lookup : public Job {
public:
    Lookup(Locator& locator, const BlobHash& wanted)
        : Job(locator.mover_), hash(wanted), locator_(locator) {}

    const BlobHash hash;
    std::atomic<bool> superseded{false};  // the blob was stored while we asked

    std::optional<Deadline> step(Steady::time_point now) override;
    // On the mover's thread.
    bool found_nowhere() const { return so_far_.found == Found::nowhere; }

    Located wait(Deadline deadline) {
        const auto bell = std::make_shared<base::Bell>();
        result_.with([&](Result& result) { result.waiting.push_back(bell); });
        for (;;) {
            auto located = result_.with([](const Result& result) { return result.located; });
            if (located.found != Found::pending) return located;
            if (!bell->wait(deadline)) return {.found = Found::uncertain, .only_timeouts = true};
        }
    }

private:
    struct Asked {
        fleet::UpstreamId id;
        engine::Transfer transfer;
        bool answered = false;
        HeadAnswer answer;
    };
    struct Result {
        Located located;
        std::vector<std::shared_ptr<base::Bell>> waiting;
    };

    void ask_everybody(Steady::time_point now);
    void read_answers(Steady::time_point now);
    bool everybody_answered() const { return std::ranges::all_of(asked_, &Asked::answered); }
    // How long a hit waits for those that rank better and have not answered.
    Milliseconds hedge_delay() const;
    // Whether no better-ranked upstream than the first hit may still answer in time.
    bool may_settle(Steady::time_point now) const;
    void settle();
    Found conclusion() const;

    Locator& locator_;
    // Owned by the mover's thread.
    std::vector<Asked> asked_;  // best-ranked first
    bool started_ = false;
    Steady::time_point asked_at_{};
    bool settled_ = false;
    std::optional<Steady::time_point> first_hit_;
    Located so_far_{.only_timeouts = true};  // until somebody fails otherwise
    base::Guarded<Result> result_;
};

void Lookup::ask_everybody(Steady::time_point now) {
    started_ = true;
    asked_at_ = now;
    auto& fleet = locator_.network_.fleet;
    std::vector<fleet::Candidate> candidates;
    // A source's copy is none to send a client to.
    for (const auto& upstream : fleet.upstreams())
        if (upstream.serves_readers()) candidates.push_back(fleet.candidate(upstream.id));
    fleet::rank(candidates, locator_.options_.strategy, locator_.dice_.fetch_add(1));
    const auto deadline = Deadline::at(now + locator_.options_.lookup_timeout);
    for (const auto& candidate : candidates) {
        const auto& upstream = fleet.at(candidate.id);
        auto transfer =
            start(locator_.network_, upstream, head_request(upstream, hash, deadline), bell());
        asked_.push_back({.id = upstream.id, .transfer = std::move(transfer), .answer = {}});
    }
}

void Lookup::read_answers(Steady::time_point now) {
    auto& network = locator_.network_;
    for (Asked& asked : asked_) {
        if (asked.answered || !asked.transfer.decided()) continue;
        asked.answered = true;
        const auto state = asked.transfer.state();
        asked.answer = read_head(state, network.fleet.miss_status(asked.id));
        auto outcome = head_outcome(network.fleet.at(asked.id), state, asked.answer);
        if (asked.answer.presence == Presence::unknown) {
            so_far_.silent.add(asked.id);
            if (outcome.broken != fleet::Break::timeout) so_far_.only_timeouts = false;
        }
        record(network, fleet::Op::lookup, outcome, state);
        so_far_.outcomes.push_back(std::move(outcome));
        if (asked.answer.presence != Presence::there) continue;
        network.fleet.learn_fit_for_browsers(asked.id, asked.answer.fit_for_browsers);
        network.map.learn(hash, asked.id, asked.answer.facts_of(hash), asked_at_);
        so_far_.servers.add(asked.id);
        if (!first_hit_) so_far_.facts = asked.answer;
        so_far_.facts.sunset = std::max(so_far_.facts.sunset, asked.answer.sunset);
        if (!first_hit_) first_hit_ = now;
    }
}

Milliseconds Lookup::hedge_delay() const {
    if (const auto fixed = locator_.options_.hedge_delay) return *fixed;
    Milliseconds longest{0};
    for (const Asked& asked : asked_) {
        if (asked.answered && asked.answer.presence == Presence::there) break;
        if (!asked.answered)
            longest =
                std::max(longest, patience_with(locator_.network_.fleet.lookup_p95(asked.id)));
    }
    return longest;
}

bool Lookup::may_settle(Steady::time_point now) const {
    if (!first_hit_) return everybody_answered();
    if (now >= *first_hit_ + hedge_delay()) return true;
    for (const Asked& asked : asked_) {
        if (!asked.answered) return false;
        if (asked.answer.presence == Presence::there) return true;
    }
    return true;
}

Found Lookup::conclusion() const {
    if (first_hit_) return Found::somewhere;
    const bool unanimous = std::ranges::all_of(
        asked_, [](const Asked& asked) { return asked.answer.presence == Presence::absent; });
    return unanimous ? Found::nowhere : Found::uncertain;
}

void Lookup::settle() {
    settled_ = true;
    const auto waiting = result_.with([&](Result& result) {
        result.located = so_far_;
        return std::exchange(result.waiting, {});
    });
    for (const auto& bell : waiting) bell->ring();
}

std::optional<Deadline> Lookup::step(Steady::time_point now) {
    if (!started_) ask_everybody(now);
    read_answers(now);
    const bool settles = !settled_ && may_settle(now);
    if (settles) so_far_.found = conclusion();
    // Before anybody is woken: who asks again at once must find what this lookup has found.
    const bool over = everybody_answered();
    if (over) locator_.finished(*this);
    if (settles) settle();
    if (over) return std::nullopt;
    if (first_hit_ && !settled_) return Deadline::at(*first_hit_ + hedge_delay());
    return Deadline::never();
}

Locator::Locator(const Options& options, Network network, Mover& mover)
    : options_(options),
      network_(network),
      mover_(mover),
      nowhere_(options.negative_ttl, options.negative_entries_max) {}

Locator::~Locator() = default;

Located Locator::find(const BlobHash& hash) {
    if (nowhere_.has(hash, Steady::now())) {
        negative_hits_.fetch_add(1, std::memory_order_relaxed);
        return {.found = Found::nowhere, .remembered = true};
    }
    // The engine ends every HEAD at its deadline; the margin covers the hand-over.
    constexpr Milliseconds kMargin{500};
    return join(hash)->wait(Deadline::after(options_.lookup_timeout + kMargin));
}

std::shared_ptr<Lookup> Locator::join(const BlobHash& hash) {
    auto fresh = std::make_shared<Lookup>(*this, hash);
    const auto lookup = lookups_.with(
        [&](auto& lookups) { return lookups.try_emplace(hash, fresh).first->second; });
    if (lookup != fresh) {
        shared_.fetch_add(1, std::memory_order_relaxed);
        return lookup;
    }
    started_.fetch_add(1, std::memory_order_relaxed);
    mover_.add(fresh);
    return lookup;
}

void Locator::finished(const Lookup& lookup) {
    // Remembered before the lookup is taken off the table: a PUT meanwhile finds one of the two.
    if (lookup.found_nowhere()) nowhere_.add(lookup.hash, Steady::now());
    lookups_.with([&](auto& lookups) {
        const auto found = lookups.find(lookup.hash);
        if (found != lookups.end() && found->second.get() == &lookup) lookups.erase(found);
    });
    if (lookup.superseded) nowhere_.remove(lookup.hash);
}

void Locator::changed(const BlobHash& hash) {
    lookups_.with([&](auto& lookups) {
        if (const auto found = lookups.find(hash); found != lookups.end()) {
            found->second->superseded = true;
            lookups.erase(found);
        }
    });
    nowhere_.remove(hash);
}

Locator::Snapshot Locator::snapshot() const {
    return {.started = started_, .shared = shared_, .negative_hits = negative_hits_};
}

}  // namespace espalier::fanout
