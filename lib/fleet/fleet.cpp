#include "fleet/fleet.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace espalier::fleet {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Operations whose success says nothing of the upstream's state, because we only arranged it.
bool is_fault(const Outcome& outcome) {
    return outcome.kind == OutcomeKind::upstream_fault;
}

bool answered(const Outcome& outcome) {
    return outcome.sent && outcome.kind != OutcomeKind::pending &&
           outcome.kind != OutcomeKind::cancelled && outcome.kind != OutcomeKind::out_of_scope;
}

// Nothing while it is not known.
std::optional<base::Milliseconds> known(std::int64_t ms) {
    if (ms < 0) return std::nullopt;
    return base::Milliseconds{ms};
}

std::string host_among(const std::vector<Upstream>& upstreams, std::size_t index) {
    const auto host = upstreams[index].host();
    const auto namesakes = std::ranges::count(upstreams, host, &Upstream::host);
    return namesakes == 1 ? host : std::string(upstreams[index].url.text());
}

// Whether "no" is as good an answer as "yes".
bool is_a_question(Op op) {
    return op == Op::lookup || op == Op::probe || op == Op::capability || op == Op::preflight;
}

bool at_connection_level(const Outcome& outcome) {
    return outcome.broken != Break::none;
}

}  // namespace

std::string_view name_of(Mode mode) {
    switch (mode) {
        case Mode::rw:
            return "rw";
        case Mode::ro:
            return "ro";
        case Mode::source:
            return "source";
        case Mode::drain:
            return "drain";
    }
    return "";
}

struct Fleet::Live {
    std::atomic<std::uint32_t> failures{0};
    std::atomic<bool> suspect{false};
    std::atomic<std::int64_t> paused_until{0};  // unix seconds
    std::atomic<std::int64_t> last_failure{0};
    std::atomic<std::int64_t> last_success{0};
    std::atomic<std::int64_t> in_flight{0};
    std::atomic<int> miss_status{0};
    std::atomic<bool> fit_for_browsers{true};
    std::atomic<std::uint64_t> bytes_up{0};
    std::atomic<std::uint64_t> bytes_down{0};
    std::atomic<std::int64_t> stored_bytes{0};
    std::array<std::atomic<std::uint64_t>, kOps> successes{};
    std::array<std::atomic<std::uint64_t>, kOps> failures_by_op{};
    std::array<std::atomic<std::uint64_t>, 9> outcomes{};
    std::array<std::atomic<std::uint64_t>, kFailures> failures_by_kind{};
    Latency lookups_took, uploads_took;
    std::atomic<std::int64_t> probed_at{0};                    // unix seconds, 0 never
    std::atomic<std::int64_t> lookup_p50{-1}, lookup_p95{-1};  // ms, -1 unknown
    base::Guarded<Recent> recent;
    base::Guarded<Refusals> refusals;
    base::Guarded<Offerings> offerings;
    base::Guarded<std::optional<std::int64_t>> clock_skew;
    struct LastError {
        std::string reason;
        Op op = Op::probe;
    };
    base::Guarded<LastError> last_error;
};

Fleet::Fleet(Options options, const base::Clock& clock, OnChange on_change)
    : max_failures_(options.max_failures),
      refusal_ttl_(options.refusal_ttl),
      clock_(clock),
      on_change_(std::move(on_change)) {
    ESPALIER_CHECK(options.upstreams.size() <= kUpstreamsMax);
    for (std::size_t i = 0; i < options.upstreams.size(); ++i)
        ESPALIER_CHECK(options.upstreams[i].id == i);
    for (std::size_t i = 0; i < kUpstreamsMax; ++i) live_.push_back(std::make_unique<Live>());
    install(std::move(options.upstreams));
}

void Fleet::install(std::vector<Upstream> upstreams) {
    auto roster = std::make_unique<Roster>();
    roster->upstreams = std::move(upstreams);
    for (std::size_t i = 0; i < roster->upstreams.size(); ++i) {
        const Upstream& upstream = roster->upstreams[i];
        roster->in_use.add(upstream.id);
        if (upstream.serves_readers()) roster->readable.add(upstream.id);
        if (upstream.required) roster->required.add(upstream.id);
        // What the operator states goes before what was found out, which stays otherwise.
        live_.at(upstream.id)->offerings.with([&](Offerings& offerings) {
            offerings =
                restated(offerings, stated_offerings(upstream.upload_head, upstream.mirror));
        });
        roster->seats.push_back({.upstream = &upstream,
                                 .link_base = upstream.url.with_path("/").text(),
                                 .host = host_among(roster->upstreams, i)});
    }
    for (const Seat& seat : roster->seats) seats_.at(seat.upstream->id) = &seat;
    current_ = roster.get();
    rosters_.with([&](auto& all) { all.push_back(std::move(roster)); });
}

std::optional<UpstreamId> Fleet::id_of(const engine::Url& url) const {
    for (std::size_t id = 0; id < kUpstreamsMax; ++id)
        if (const Seat* seat = seats_.at(id); seat != nullptr && seat->upstream->url == url)
            return static_cast<UpstreamId>(id);
    return std::nullopt;
}

base::Result<void> Fleet::replace(std::vector<Upstream> upstreams) {
    const auto is_given = [](const auto& seat) { return seat.load() != nullptr; };
    auto next = static_cast<std::size_t>(std::ranges::count_if(seats_, is_given));
    for (Upstream& upstream : upstreams) {
        const auto known = id_of(upstream.url);
        if (!known && next == kUpstreamsMax)
            return base::fail(base::ErrorKind::invalid,
                              base::text("more than ", kUpstreamsMax,
                                         " different upstreams in all need a restart"));
        upstream.id = known ? *known : static_cast<UpstreamId>(next++);
    }
    install(std::move(upstreams));
    return {};
}

Fleet::~Fleet() = default;

void Fleet::record(Op op, const Outcome& outcome) {
    Live& live = *live_.at(outcome.upstream);
    const Upstream& upstream = at(outcome.upstream);
    const auto index = static_cast<std::size_t>(op);
    // A would-be outcome is none, but that a token left it out.
    if (outcome.sent || outcome.kind == OutcomeKind::out_of_scope)
        live.outcomes[static_cast<std::size_t>(outcome.kind)].fetch_add(1, kRelaxed);
    if (const auto failure = failure_of(outcome);
        failure && (is_fault(outcome) || !is_a_question(op)))
        live.failures_by_kind[static_cast<std::size_t>(*failure)].fetch_add(1, kRelaxed);
    if (!answered(outcome)) return;
    auto& tally = outcome.kind == OutcomeKind::ok ? live.successes : live.failures_by_op;
    tally[index].fetch_add(1, kRelaxed);
    if (outcome.kind == OutcomeKind::throttle)
        live.paused_until =
            clock_.unix_now() + outcome.retry_after.value_or(base::Seconds{1}).count();
    note_recent(live, op, outcome);
    is_fault(outcome) ? fail(live, upstream, op, outcome) : succeed(live, upstream);
}

// Faults have no duration: a connection that is refused at once is not a fast one.
void Fleet::note_recent(Live& live, Op op, const Outcome& outcome) {
    if (op == Op::probe) live.probed_at = clock_.unix_now();
    const bool success = !is_fault(outcome);
    const bool lookup = success && (op == Op::lookup || op == Op::probe);
    const bool upload = op == Op::upload && outcome.kind == OutcomeKind::ok;
    if (lookup) live.lookups_took.add(outcome.elapsed);
    if (upload) live.uploads_took.add(outcome.elapsed);
    const auto lookups = live.recent.with([&, now = minute()](Recent& recent) {
        recent.count(now, success);
        if (upload) recent.add_upload(now, outcome.elapsed);
        if (!lookup) return Quantiles{};
        recent.add_lookup(now, outcome.elapsed);
        return recent.lookups(now);
    });
    if (!lookup) return;
    live.lookup_p50.store(lookups.p50.count(), kRelaxed);
    live.lookup_p95.store(lookups.p95.count(), kRelaxed);
}

std::int64_t Fleet::minute() const {
    return std::chrono::floor<std::chrono::minutes>(clock_.now().time_since_epoch()).count();
}

void Fleet::fail(Live& live, const Upstream& upstream, Op op, const Outcome& outcome) {
    live.last_failure = clock_.unix_now();
    live.last_error.with([&](Live::LastError& last) { last = {outcome.reason, op}; });
    if (at_connection_level(outcome)) live.suspect = true;
    const auto failures = live.failures.fetch_add(1) + 1;
    if (failures == max_failures_ && on_change_) on_change_(upstream, false, outcome.reason);
}

void Fleet::succeed(Live& live, const Upstream& upstream) {
    live.last_success = clock_.unix_now();
    live.suspect = false;
    const auto failures = live.failures.exchange(0);
    if (failures >= max_failures_ && on_change_) on_change_(upstream, true, "it answered");
}

void Fleet::count_redirect(UpstreamId id) {
    live_[id]->successes[static_cast<std::size_t>(Op::download)].fetch_add(1, kRelaxed);
}

void Fleet::count_bytes(UpstreamId id, std::uint64_t up, std::uint64_t down) {
    live_.at(id)->bytes_up.fetch_add(up, kRelaxed);
    live_.at(id)->bytes_down.fetch_add(down, kRelaxed);
}

void Fleet::count_in_flight(UpstreamId id, int change) {
    live_.at(id)->in_flight.fetch_add(change, kRelaxed);
}

bool Fleet::healthy(UpstreamId id) const {
    return live_[id]->failures.load(kRelaxed) < max_failures_;
}

bool Fleet::suspect(UpstreamId id) const {
    return live_[id]->suspect.load(kRelaxed);
}

bool Fleet::paused(UpstreamId id) const {
    const auto until = live_[id]->paused_until.load(kRelaxed);
    return until != 0 && clock_.unix_now() < until;
}

std::optional<base::Milliseconds> Fleet::lookup_p50(UpstreamId id) const {
    return known(live_[id]->lookup_p50.load(kRelaxed));
}

std::optional<base::Milliseconds> Fleet::lookup_p95(UpstreamId id) const {
    return known(live_[id]->lookup_p95.load(kRelaxed));
}

Offering Fleet::offering(UpstreamId id, Endpoint endpoint) const {
    return live_.at(id)->offerings.with(
        [&](const Offerings& offerings) { return offerings[static_cast<std::size_t>(endpoint)]; });
}

void Fleet::learn_offering(UpstreamId id, Endpoint endpoint, const Finding& finding) {
    live_.at(id)->offerings.with([&, now = clock_.unix_now()](Offerings& offerings) {
        Offering& one = offerings[static_cast<std::size_t>(endpoint)];
        ESPALIER_CHECK(!one.configured);
        one = {finding, false, now};
    });
}

void Fleet::learn_clock_skew(UpstreamId id, std::int64_t seconds_ahead) {
    live_.at(id)->clock_skew.with([&](auto& skew) { skew = seconds_ahead; });
}

void Fleet::learn_what_it_takes(const Outcome& outcome, std::uint64_t bytes,
                                std::string_view type) {
    const auto ttl = refusal_ttl_;
    if (!outcome.sent || ttl.count() == 0) return;
    live_.at(outcome.upstream)->refusals.with([&, now = clock_.now()](Refusals& refusals) {
        if (outcome.kind == OutcomeKind::ok) refusals.accepted(bytes, type);
        if (outcome.status == 413) refusals.refused_size(bytes, now, ttl);
        if (outcome.status == 415) refusals.refused_type(type, now, ttl);
    });
}

std::optional<Outcome> Fleet::known_refusal(UpstreamId id, std::optional<std::uint64_t> bytes,
                                            std::string_view type) const {
    const auto [size, kind] =
        live_.at(id)->refusals.with([&, now = clock_.now()](const Refusals& refusals) {
            return std::pair(bytes && refusals.covers_size(*bytes, now),
                             refusals.covers_type(type, now));
        });
    if (size)
        return left_out(id, OutcomeKind::client_fault, 413,
                        "the server has lately refused a body that was no larger");
    if (kind)
        return left_out(id, OutcomeKind::client_fault, 415,
                        base::text("the server has lately refused ", type));
    return std::nullopt;
}

bool Fleet::fit_for_browsers(UpstreamId id) const {
    return live_[id]->fit_for_browsers.load(kRelaxed);
}

void Fleet::learn_fit_for_browsers(UpstreamId id, bool fit) {
    live_[id]->fit_for_browsers.store(fit, kRelaxed);
}

int Fleet::miss_status(UpstreamId id) const {
    return live_[id]->miss_status.load(kRelaxed);
}

void Fleet::learn_miss_status(UpstreamId id, int status) {
    live_[id]->miss_status = status;
}

int Fleet::healthy_count() const {
    return static_cast<int>(std::ranges::count_if(
        upstreams(), [this](const Upstream& upstream) { return healthy(upstream.id); }));
}

std::unordered_map<std::string, UpstreamId> Fleet::by_url(UpstreamSet servers) const {
    std::unordered_map<std::string, UpstreamId> ids;
    for (const Upstream& upstream : upstreams())
        if (servers.has(upstream.id)) ids.emplace(upstream.url.text(), upstream.id);
    return ids;
}

void Fleet::count_stored(UpstreamId id, std::int64_t bytes) {
    live_.at(id)->stored_bytes.fetch_add(bytes, kRelaxed);
}

std::int64_t Fleet::stored_bytes(UpstreamId id) const {
    return std::max<std::int64_t>(live_.at(id)->stored_bytes.load(kRelaxed), 0);
}

Candidate Fleet::candidate(UpstreamId id) const {
    const Live& live = *live_[id];
    const Upstream& upstream = at(id);
    const auto failures = live.failures.load(kRelaxed);
    return {.id = id,
            .priority = upstream.priority,
            .failures = failures,
            .healthy = failures < max_failures_,
            .suspect = live.suspect.load(kRelaxed),
            .draining = upstream.mode == Mode::drain,
            .weight = upstream.weight,
            .lookup_p50 = lookup_p50(id)};
}

std::vector<UpstreamSnapshot> Fleet::snapshot() const {
    std::vector<UpstreamSnapshot> all;
    for (const Upstream& upstream : upstreams()) {
        const Live& live = *live_[upstream.id];
        auto& one = all.emplace_back();
        one.id = upstream.id;
        // As the operator most likely wrote it: without the slash that stands for the root.
        one.url = link_base(upstream.id);
        one.url.pop_back();
        one.host = host(upstream.id);
        one.priority = upstream.priority;
        one.healthy = healthy(upstream.id);
        one.suspect = suspect(upstream.id);
        one.paused = paused(upstream.id);
        one.consecutive_failures = live.failures;
        one.last_failure = live.last_failure;
        one.last_success = live.last_success;
        const auto last = live.last_error.with([](const Live::LastError& error) { return error; });
        one.last_error = last.reason;
        if (one.last_failure != 0) one.last_error_op = name_of(last.op);
        one.mode = upstream.mode;
        one.in_flight_max = upstream.in_flight_max;
        std::ranges::copy(live.failures_by_kind, one.failures.begin());
        one.lookups_took = live.lookups_took.counts();
        one.uploads_took = live.uploads_took.counts();
        for (std::size_t op = 0; op < kOps; ++op)
            one.tallies[op] = {live.successes[op], live.failures_by_op[op]};
        std::ranges::copy(live.outcomes, one.outcomes.begin());
        one.in_flight = live.in_flight;
        one.bytes_up = live.bytes_up;
        one.bytes_down = live.bytes_down;
        one.stored_bytes = stored_bytes(upstream.id);
        one.quota_bytes = upstream.quota_bytes;
        one.recent =
            live.recent.with([&](const Recent& recent) { return recent.figures(minute()); });
        one.refuses = live.refusals.with(
            [&](const Refusals& refusals) { return refusals.known(clock_.now()); });
        one.offers = live.offerings.with([](const Offerings& offerings) { return offerings; });
        one.clock_skew = live.clock_skew.with([](const auto& skew) { return skew; });
        if (const auto at = live.probed_at.load(); at != 0)
            one.probe_age = std::max<std::int64_t>(clock_.unix_now() - at, 0);
    }
    return all;
}

}  // namespace espalier::fleet
