#include "service.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>

#include "base/text.h"
#include "base/thread.h"
#include "dashboard/feed.h"
#include "environment.h"
#include "fanout/capability_probe.h"
#include "fanout/map_keeper.h"
#include "fanout/probe.h"
#include "gateway/gateway.h"
#include "metrics/sources.h"
#include "open_files.h"
#include "settings/load.h"
#include "settings/reload.h"
#include "wiring.h"

namespace espalier::command {
namespace {

using base::Deadline;
using settings::Settings;

std::uint64_t random_seed() {
    std::random_device dice;
    return std::uint64_t{dice()} << 32U | dice();
}

// Tells health changes to the log.
fleet::Fleet::OnChange announce(base::Log& log) {
    return [&log](const fleet::Upstream& upstream, bool healthy, const std::string& why) {
        log.warning(healthy ? "upstream is healthy again" : "upstream is unhealthy",
                    {{"upstream", upstream.host()}, {"why", why}});
    };
}

base::Result<std::unique_ptr<ledger::Ledger>> open_ledger(const Settings& settings) {
    const auto path = settings::ledger_file(settings, environment);
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
    return ledger::Ledger::open(path);
}

}  // namespace

// What of a gateway changes when its configuration is read again.
struct Generation {
    using Assemble = std::function<gateway::Parts(Generation&)>;
    Generation(const Settings& settings, protocol::AuthorizerOptions auth, const Assemble& assemble)
        : options(gateway_from(settings)),
          authorizer(std::move(auth)),
          rates(rates_from(settings)),
          parts(assemble(*this)) {}

    const gateway::Options options;
    const protocol::Authorizer authorizer;
    gateway::Rates rates;
    const gateway::Parts parts;
};

// Every object of a running gateway, in the order of construction; destroyed in reverse.
class Service::Parts {
public:
    Parts(Settings settings, std::uint64_t upstream_connections,
          std::vector<fleet::Upstream> upstreams, protocol::AuthorizerOptions auth,
          std::optional<protocol::SecretKey> service_key, std::unique_ptr<ledger::Ledger> ledger,
          base::Log& log)
        : settings_(std::move(settings)),
          ledger_(std::move(ledger)),
          memory_(settings_.buffers_max),
          disk_(settings_.spool_max_bytes),
          fleet_({.upstreams = std::move(upstreams),
                  .max_failures = static_cast<std::uint32_t>(settings_.max_failures),
                  .refusal_ttl = settings_.refusal_ttl},
                 clock_, announce(log)),
          map_({.entries_max = static_cast<std::size_t>(settings_.cache_max_size),
                .ttl = settings_.cache_ttl}),
          engine_({.connections_max = upstream_connections}),
          network_{engine_, fleet_, map_, clock_, log},
          locator_(locator_options(settings_), network_, mover_),
          confirmer_({.patience = settings_.lookup_timeout}, network_, mover_),
          prober_({.interval = settings_.probe_interval,
                   .interval_after_fault = settings_.probe_interval_after_fault,
                   .timeout = settings_.probe_timeout},
                  network_, mover_),
          capability_prober_({}, network_, mover_),
          service_key_(std::move(service_key)),
          map_keeper_(map_keeper_options(settings_), network_, *ledger_),
          remainders_({.patience = settings_.timeout}, network_, mover_, *ledger_, confirmer_),
          resources_{memory_,
                     disk_,
                     {.window_bytes = settings_.upload_window, .folder = settings_.spool_dir},
                     *ledger_,
                     confirmer_},
          repairer_(repairer_options(settings_), network_, mover_, resources_, live_writes_,
                    service_key_),
          feed_(std::make_shared<dashboard::Feed>(mover_, dashboard::Feed::Options{}, operations_,
                                                  [this] { return gateway_.condition(); })),
          log_(log),
          gateway_(add_generation(settings_, std::move(auth)), random_seed()),
          server_(server_from(settings_), gateway_, log) {
        map_.serve_only(fleet_.readable());
        add_sources();
    }

    ~Parts() { stop(); }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    base::Result<void> start() {
        mover_.start();
        load_stored();
        map_keeper_.restore();
        map_keeper_.start();
        begin_probing();
        repairer_.start();
        operations_.ring_on_change(feed_->bell());
        mover_.add(feed_);
        return server_.start();
    }

    base::Result<void> reload(const Settings& settings) {
        auto upstreams = upstreams_from(settings);
        if (!upstreams) return std::unexpected(upstreams.error());
        auto auth = authorizer_from(settings);
        if (!auth) return std::unexpected(auth.error());
        auto with_token = settings;
        auto token = admin_token_from(settings);
        if (!token) return std::unexpected(token.error());
        with_token.admin_token = std::move(*token);
        if (auto replaced = fleet_.replace(std::move(*upstreams)); !replaced) return replaced;
        map_.serve_only(fleet_.readable());
        load_stored();
        gateway_.use(add_generation(with_token, std::move(*auth)));
        begin_probing();
        return {};
    }

    std::vector<std::uint16_t> ports() const { return server_.ports(); }

    // Harmless when repeated. Refuse new → workers → stragglers, all to the same instant → the
    // engine → the rest.
    void stop() {
        constexpr base::Seconds kLastWords{1};
        const auto grace = Deadline::after(settings_.shutdown_grace);
        gateway_.drain();
        // Workers may wait for upstreams: at the end of the grace every exchange ends, and they
        // answer with what they have; hence a moment more for the server.
        base::Bell done;
        const auto last_call = base::start_thread("last-call", [&](const std::stop_token&) {
            if (!done.wait(grace)) engine_.shut_down();
        });
        server_.stop(Deadline::at(grace.when() + kLastWords));
        mover_.stop(grace);
        done.ring();
        engine_.shut_down();
        map_keeper_.stop();
    }

private:
    static fanout::Locator::Options locator_options(const Settings& settings) {
        return {.hedge_delay = settings.hedge_delay.value,
                .lookup_timeout = settings.lookup_timeout,
                .negative_ttl = settings.negative_ttl,
                .negative_entries_max = static_cast<std::size_t>(settings.negative_max_size),
                .strategy = strategy_from(settings.download_strategy())};
    }

    static fanout::Repairer::Options repairer_options(const Settings& settings) {
        return {.interval = settings.repair_interval,
                .copies_wanted = settings.replicas_target,
                .head_patience = settings.lookup_timeout,
                .stall_timeout = settings.stall_timeout,
                .bandwidth_max = settings.repair_bandwidth};
    }

    static fanout::MapKeeper::Options map_keeper_options(const Settings& settings) {
        return {.interval = settings.map_save_interval,
                // Or nothing that is restored would be believed for a moment.
                .verify_after = std::min(settings.map_verify_after, settings.cache_ttl / 2)};
    }

    void begin_probing() {
        prober_.cover();
        if (settings_.capability_probe) capability_prober_.cover();
    }

    const gateway::Parts& add_generation(const Settings& settings,
                                         protocol::AuthorizerOptions auth) {
        const auto assemble = [this](Generation& now) -> gateway::Parts {
            return {now.options,    network_,  mover_,       locator_,   confirmer_,
                    remainders_,    repairer_, service_key_, resources_, live_writes_,
                    now.authorizer, *ledger_,  operations_,  uploaders_, *feed_,
                    metrics_,       counters_, payments_,    now.rates,  log_};
        };
        generations_.push_back(std::make_unique<Generation>(settings, std::move(auth), assemble));
        return generations_.back()->parts;
    }

    // What is stored at those of whom nothing is counted yet.
    void load_stored() {
        const auto servers = fleet_.by_url(fleet_.in_use());
        for (const auto& [url, bytes] : ledger_->stored()) {
            const auto server = servers.find(url);
            if (server != servers.end() && fleet_.stored_bytes(server->second) == 0)
                fleet_.count_stored(server->second, bytes);
        }
    }

    void add_sources() {
        using metrics::describe;
        metrics_.add_source([this](auto& out) { describe(out, fleet_.snapshot()); });
        metrics_.add_source([this](auto& out) { describe(out, map_.snapshot()); });
        metrics_.add_source([this](auto& out) { describe(out, locator_.snapshot()); });
        metrics_.add_source([this](auto& out) { describe(out, remainders_.snapshot()); });
        metrics_.add_source([this](auto& out) { describe(out, repairer_.snapshot()); });
        metrics_.add_source([this](auto& out) { describe(out, engine_.snapshot()); });
        metrics_.add_source([this](auto& out) { describe(out, server_.snapshot()); });
        metrics_.add_source([](auto& out) { describe(out, metrics::read_vitals()); });
        metrics_.add_source([this](auto& out) { counters_.describe(out); });
        metrics_.add_source([this](auto& out) {
            out.gauge("blossom_gw_replicas_pending", "Replicas that the ledger lists as missing",
                      static_cast<double>(ledger_->missing_count()));
            out.gauge("blossom_gw_tombstones", "Deletes that keep blobs from being brought back",
                      static_cast<double>(ledger_->tombstone_count()));
            out.gauge("blossom_gw_spool_bytes", "Bytes of upload spool files on the disk",
                      static_cast<double>(disk_.used()));
            out.counter("blossom_gw_spilled_bytes_total",
                        "Bytes that slow servers made uploads write to the disk", disk_.drawn());
            out.gauge("blossom_gw_buffer_bytes", "Memory of upload windows",
                      static_cast<double>(memory_.used()));
        });
    }

    const Settings settings_;
    const std::unique_ptr<ledger::Ledger> ledger_;
    const base::SystemClock clock_;
    base::Budget memory_, disk_;
    fleet::Fleet fleet_;
    fleet::BlobMap map_;
    engine::Engine engine_;
    fanout::Network network_;
    fanout::Mover mover_;
    fanout::Locator locator_;
    fanout::Confirmer confirmer_;
    fanout::Prober prober_;
    fanout::CapabilityProber capability_prober_;
    const fanout::ServiceKey service_key_;
    fanout::MapKeeper map_keeper_;
    fanout::Remainders remainders_;
    const fanout::Upload::Resources resources_;
    fanout::LiveWrites live_writes_;
    fanout::Repairer repairer_;
    dashboard::Operations operations_{clock_};
    dashboard::Uploaders uploaders_;
    const std::shared_ptr<dashboard::Feed> feed_;
    metrics::Metrics metrics_;
    gateway::Counters counters_;
    gateway::Payments payments_;
    base::Log& log_;
    // The newest is in force; requests under way may use any. Owned by main.
    std::vector<std::unique_ptr<Generation>> generations_;
    gateway::Gateway gateway_;
    http::Server server_;
};

Service::Service(std::unique_ptr<Parts> parts, Settings settings)
    : settings_(std::move(settings)), parts_(std::move(parts)) {}
Service::~Service() = default;

base::Result<std::unique_ptr<Service>> Service::open(Settings settings, std::uint64_t files_max,
                                                     base::Log& log) {
    auto upstreams = upstreams_from(settings);
    if (!upstreams) return std::unexpected(upstreams.error());
    auto auth = authorizer_from(settings);
    if (!auth) return std::unexpected(auth.error());
    auto service_key = service_key_from(settings);
    if (!service_key) return std::unexpected(service_key.error());
    auto ledger = open_ledger(settings);
    if (!ledger) return std::unexpected(ledger.error());
    auto as_read = settings;
    auto admin_token = admin_token_from(settings);
    if (!admin_token) return std::unexpected(admin_token.error());
    settings.admin_token = std::move(*admin_token);
    const auto files = share_files(files_max, settings.max_connections, settings.workers_max());
    if (files.clients < settings.max_connections) {
        log.warning("max_connections is lowered to what the limit of open files allows",
                    {{"max_connections", files.clients},
                     {"open_files", static_cast<std::int64_t>(files_max)}});
        settings.max_connections = files.clients;
    }
    auto parts =
        std::make_unique<Parts>(std::move(settings), files.engine, std::move(*upstreams),
                                std::move(*auth), std::move(*service_key), std::move(*ledger), log);
    return std::unique_ptr<Service>(new Service(std::move(parts), std::move(as_read)));
}

base::Result<void> Service::reload(const Settings& settings) {
    std::string names;
    for (const auto name : settings::keys_that_need_a_restart(settings_, settings))
        names += base::text(names.empty() ? "" : ", ", name);
    if (!names.empty())
        return base::fail(base::ErrorKind::invalid, "these keys need a restart: " + names);
    auto done = parts_->reload(settings);
    if (done) settings_ = settings;
    return done;
}

base::Result<void> Service::start() {
    return parts_->start();
}
std::vector<std::uint16_t> Service::ports() const {
    return parts_->ports();
}
void Service::stop() {
    parts_->stop();
}

}  // namespace espalier::command
