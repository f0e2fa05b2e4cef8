#include "fanout/remainders.h"

#include <algorithm>
#include <random>

#include "base/text.h"
#include "fanout/pause.h"

namespace espalier::fanout {

using base::Deadline;
using base::Steady;
using fleet::Outcome;
using fleet::OutcomeKind;

namespace {

bool is_gone(const Outcome& outcome) {
    return outcome.kind == OutcomeKind::ok || outcome.status == 404;
}

fleet::UpstreamSet only(fleet::UpstreamId server) {
    fleet::UpstreamSet set;
    set.add(server);
    return set;
}

}  // namespace

// One server that is asked again and again.
class Remainders::Retry : public Job {
public:
    Retry(Remainders& all, Errand what)
        : Job(all.mover_),
          all_(all),
          what_(std::move(what)),
          again_at_(Steady::now() + pause()),
          believed_from_(Steady::now() + what_.doubt) {}
    ~Retry() override { all_.waiting_.fetch_sub(1); }

    std::optional<Deadline> step(Steady::time_point now) override {
        if (transfer_) return transfer_.decided() ? read(now) : Deadline::never();
        if (now < again_at_) return Deadline::at(again_at_);
        const auto today = all_.network_.clock.unix_now();
        if (today >= what_.until) return give_up("its token has expired");
        // Whoever has stored it meanwhile wants to keep it.
        if (!all_.ledger_.buried(what_.hash, today)) return give_up("it was stored anew");
        ask(now);
        return Deadline::never();
    }

private:
    base::Milliseconds pause() {
        const auto& options = all_.options_;
        return jittered(backed_off(options.first_pause, options.longest_pause, ++tries_), dice_());
    }

    void ask(Steady::time_point now) {
        const auto& upstream = all_.network_.fleet.at(what_.server);
        auto request = request_to(upstream, "DELETE", base::text('/', what_.hash.hex()),
                                  Deadline::at(now + all_.options_.patience));
        if (!what_.authorization.empty()) request.headers.add("Authorization", what_.authorization);
        transfer_ = start(all_.network_, upstream, std::move(request), bell());
    }

    std::optional<Deadline> read(Steady::time_point now) {
        const auto state = transfer_.state();
        const auto outcome =
            outcome_of(all_.network_.fleet.at(what_.server), state, /*optional_endpoint=*/false);
        record(all_.network_, fleet::Op::remove, outcome, state);
        transfer_ = {};
        // What was cut on its way there may arrive yet.
        const bool doubtful = is_gone(outcome) && now < believed_from_;
        if (is_gone(outcome) && !doubtful) return succeed();
        if (!is_remainder(outcome) && !doubtful) return give_up(outcome.reason);
        again_at_ = now + pause();
        return Deadline::at(again_at_);
    }

    std::nullopt_t succeed() {
        all_.deleted_.fetch_add(1);
        log("a copy was deleted behind the reply", "");
        all_.confirmer_.again(what_.hash, only(what_.server));
        return std::nullopt;
    }

    std::nullopt_t give_up(std::string_view why) {
        all_.given_up_.fetch_add(1);
        log("a copy that could not be deleted is given up", why);
        return std::nullopt;
    }

    void log(std::string_view what, std::string_view why) const {
        all_.network_.log.info(what, {{"upstream", all_.network_.fleet.host(what_.server)},
                                      {"hash", what_.hash.hex()},
                                      {"why", why}});
    }

    Remainders& all_;
    const Errand what_;
    engine::Transfer transfer_;
    std::uint32_t tries_ = 0;
    std::mt19937 dice_{std::random_device{}()};
    Steady::time_point again_at_;
    const Steady::time_point believed_from_;
};

bool is_remainder(const Outcome& outcome) {
    return outcome.kind == OutcomeKind::upstream_fault || outcome.kind == OutcomeKind::throttle ||
           outcome.kind == OutcomeKind::cancelled;
}

void Remainders::retry(Errand errand) {
    // Counted first, so that many at once cannot pass the limit together.
    if (waiting_.fetch_add(1) >= options_.at_once_max) {
        waiting_.fetch_sub(1);
        turned_away_.fetch_add(1);
        return;
    }
    errand.until =
        std::min(errand.until, network_.clock.unix_now() + options_.longest_life.count());
    mover_.add(std::make_shared<Retry>(*this, std::move(errand)));
}

Remainders::Snapshot Remainders::snapshot() const {
    return {.waiting = waiting_,
            .deleted = deleted_,
            .given_up = given_up_,
            .turned_away = turned_away_};
}

}  // namespace espalier::fanout
