#include "fanout/repairer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "fanout/pause.h"

namespace espalier::fanout {
namespace {

using base::Deadline;
using base::Milliseconds;
using base::Steady;
using fleet::UpstreamId;
using ledger::MissingReplica;
using protocol::BlobHash;

constexpr std::size_t kPageRows = 64;
// A server that fails so often in a row is left alone until the next pass.
constexpr int kFailuresInRowMax = 8;
// How often to look who has become healthy again, while there is something to do.
constexpr Milliseconds kLook{500};

}  // namespace

// What is to be done next, and where. All on the mover, but for the inbox.
class Repairer::Rounds : public Job, public std::enable_shared_from_this<Rounds> {
public:
    Rounds(const Options& options, Network network, Mover& mover,
           const Upload::Resources& resources, LiveWrites& live_writes,
           const ServiceKey& service_key, Counts& counts)
        : Job(mover),
          options_(options),
          tools_{network, mover, resources},
          live_writes_(live_writes),
          service_key_(service_key),
          counts_(counts) {}

    void expect(std::vector<Errand> errands) {
        inbox_.with([&](auto& inbox) { std::ranges::move(errands, std::back_inserter(inbox)); });
        bell()->ring();
    }

    void hurry() {
        hurried_ = true;
        bell()->ring();
    }

    std::optional<Deadline> step(Steady::time_point now) override {
        adopt(now);
        // As if all had been ill until now.
        if (hurried_.exchange(false))
            for (auto& [id, site] : sites_) site.healthy = false;
        for (const auto& upstream : fleet().upstreams()) {
            if (!upstream.takes_uploads()) continue;
            auto& site = sites_[upstream.id];
            notice_health(upstream.id, site, now);
            if (site.healthy) fill(upstream, site, now);
        }
        counts_.errands = errands_.size();
        const bool idle = errands_.empty() && ledger().missing_count() == 0;
        return idle ? Deadline::never() : Deadline::at(now + std::min(kLook, options_.interval));
    }

private:
    struct Kept {
        Errand errand;
        std::uint32_t failures = 0;
        Steady::time_point due;
    };
    using Place = std::pair<UpstreamId, BlobHash>;
    // One server's turn through the ledger.
    struct Site {
        bool healthy = false;
        std::size_t running = 0;
        int failures_in_row = 0;
        std::deque<MissingReplica> page;
        std::optional<MissingReplica> last;  // that was read; nothing: the pass begins anew
        Steady::time_point next_pass{};
    };

    fleet::Fleet& fleet() const { return tools_.network.fleet; }
    ledger::Ledger& ledger() const { return tools_.resources.ledger; }

    void adopt(Steady::time_point now) {
        auto inbox = inbox_.with([](auto& all) { return std::exchange(all, {}); });
        for (auto& errand : inbox) {
            if (errands_.size() >= options_.errands_max) break;
            const Place place{errand.server, errand.hash};
            errands_.insert_or_assign(
                place, Kept{.errand = std::move(errand), .failures = 0, .due = now + pause(1)});
        }
    }

    void notice_health(UpstreamId id, Site& site, Steady::time_point now) {
        const bool healthy = fleet().healthy(id) && !fleet().paused(id);
        if (healthy && !site.healthy) {
            site.next_pass = now;
            site.failures_in_row = 0;
            for (auto it = errands_.lower_bound({id, BlobHash{}});
                 it != errands_.end() && it->first.first == id; ++it)
                it->second.due = now;
        }
        site.healthy = healthy;
    }

    void fill(const fleet::Upstream& upstream, Site& site, Steady::time_point now) {
        const auto today = tools_.network.clock.unix_now();
        for (auto it = errands_.lower_bound({upstream.id, BlobHash{}});
             it != errands_.end() && it->first.first == upstream.id;) {
            if (site.running >= options_.at_once_max) return;
            const auto [place, kept] = *it++;
            if (kept.errand.until <= today)
                errands_.erase(place);
            else if (kept.due <= now && may_bring(place))
                bring(place, kept.errand.owner,
                      [token = kept.errand.authorization] { return token; });
        }
        if (upstream.auth != fleet::Auth::none && !service_key_.given()) return;
        while (site.running < options_.at_once_max && now >= site.next_pass) {
            const auto row = next_row(upstream, site, now);
            if (!row) return;
            const Place place{upstream.id, row->hash};
            if (errands_.contains(place) || !may_bring(place)) continue;
            bring(place, row->owner,
                  [this, place, owner = row->owner] { return own_token(place, owner); });
        }
    }

    std::optional<MissingReplica> next_row(const fleet::Upstream& upstream, Site& site,
                                           Steady::time_point now) {
        const auto rest = [&] {
            site.next_pass = now + options_.interval;
            site.failures_in_row = 0;
            return std::nullopt;
        };
        if (site.failures_in_row >= kFailuresInRowMax) return rest();
        if (site.page.empty()) {
            auto rows = ledger().missing(kPageRows, upstream.url.text(), site.last);
            if (rows.empty()) {
                site.last.reset();
                return rest();
            }
            site.last = rows.back();
            std::ranges::move(rows, std::back_inserter(site.page));
        }
        auto row = std::move(site.page.front());
        site.page.pop_front();
        return row;
    }

    // The server will know the gateway as the owner: that is noted first, so that the blob's true
    // owner can delete it whatever happens.
    std::string own_token(const Place& place, const std::string& owner) {
        const auto& upstream = fleet().at(place.first);
        if (upstream.auth == fleet::Auth::none) return {};
        const auto kept = ledger().keep(
            {{.hash = place.second, .server_url = upstream.url.text(), .owner = owner}});
        if (!kept)
            tools_.network.log.error("the ledger could not note whose copy the gateway keeps",
                                     {{"reason", kept.error().reason}});
        return service_key_.token(upstream, protocol::Verb::upload, place.second,
                                  tools_.network.clock.unix_now());
    }

    bool may_bring(const Place& place) {
        return !running_.contains(place) && !live_writes_.under_way(place.second);
    }

    void bring(const Place& place, const std::string& owner,
               std::function<std::string()> authorize) {
        const auto& [server, hash] = place;
        RepairPlan plan{.hash = hash,
                        .server = server,
                        .owner = owner,
                        .copies_wanted = options_.copies_wanted,
                        .authorize = std::move(authorize),
                        .head_patience = options_.head_patience,
                        .rate = rate_,
                        .stall_timeout = options_.stall_timeout};
        const auto job = std::make_shared<RepairOne>(
            tools_, std::move(plan),
            [rounds = shared_from_this()](const RepairPlan& done, RepairEnd end,
                                          const std::string& why) {
                rounds->ended(done, end, why);
            });
        // First of all, so that a delete finds it, or is found by it.
        live_writes_.add(hash, owner, job);
        if (live_writes_.under_way(hash)) return;
        if (ledger().buried(hash, tools_.network.clock.unix_now())) return settle(place);
        running_.insert(place);
        ++sites_[server].running;
        counts_.running = running_.size();
        tools_.mover.add(job);
    }

    // No pass comes to it any more.
    void settle(const Place& place) {
        errands_.erase(place);
        const auto& url = fleet().at(place.first).url.text();
        if (const auto struck = ledger().no_longer_missing(place.second, url); !struck)
            tools_.network.log.error("the ledger could not strike off a replica",
                                     {{"reason", struck.error().reason}});
    }

    void ended(const RepairPlan& plan, RepairEnd end, const std::string& why) {
        const Place place{plan.server, plan.hash};
        auto& site = sites_[plan.server];
        running_.erase(place);
        --site.running;
        counts_.running = running_.size();
        ++counts_.ended[static_cast<std::size_t>(end)];
        tools_.network.log.info("a missing replica", {{"upstream", fleet().host(plan.server)},
                                                      {"hash", plan.hash.hex()},
                                                      {"result", name_of(end)},
                                                      {"why", why}});
        site.failures_in_row = is_settled(end) ? 0 : site.failures_in_row + 1;
        if (is_settled(end))
            settle(place);
        else
            postpone(place, end);
        bell()->ring();
    }

    void postpone(const Place& place, RepairEnd end) {
        const auto found = errands_.find(place);
        if (found == errands_.end()) return;
        // The token is of no use; the service key may be.
        if (end == RepairEnd::unauthorized)
            errands_.erase(found);
        else
            found->second.due = Steady::now() + pause(++found->second.failures);
    }

    Milliseconds pause(std::uint32_t failures) {
        return jittered(backed_off(options_.first_pause, options_.longest_pause, failures),
                        dice_());
    }

    const Options options_;
    const RepairOne::Tools tools_;
    LiveWrites& live_writes_;
    const ServiceKey& service_key_;
    Counts& counts_;
    // Of fetching; what is fetched is sent on as fast.
    const std::shared_ptr<engine::Rate> rate_ =
        options_.bandwidth_max == 0 ? nullptr
                                    : std::make_shared<engine::Rate>(0, options_.bandwidth_max);
    base::Guarded<std::vector<Errand>> inbox_;
    // Owned by the mover's thread.
    std::map<Place, Kept> errands_;
    std::set<Place> running_;
    std::atomic<bool> hurried_{false};  // by any thread
    std::map<UpstreamId, Site> sites_;
    std::mt19937 dice_{std::random_device{}()};
};

Repairer::Repairer(const Options& options, Network network, Mover& mover,
                   const Upload::Resources& resources, LiveWrites& live_writes,
                   const ServiceKey& service_key)
    : options_(options),
      mover_(mover),
      rounds_(std::make_shared<Rounds>(options, network, mover, resources, live_writes, service_key,
                                       counts_)) {}

Repairer::~Repairer() = default;

void Repairer::start() {
    if (options_.interval.count() > 0) mover_.add(rounds_);
}

void Repairer::expect(std::vector<Errand> errands) {
    if (options_.interval.count() > 0) rounds_->expect(std::move(errands));
}

void Repairer::hurry() {
    rounds_->hurry();
}

Repairer::Snapshot Repairer::snapshot() const {
    Snapshot out{.errands = counts_.errands, .running = counts_.running};
    for (std::size_t i = 0; i < kEnds; ++i) out.ended[i] = counts_.ended[i];
    return out;
}

}  // namespace espalier::fanout
