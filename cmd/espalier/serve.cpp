#include "serve.h"

#include <iostream>
#include <string_view>

#include "base/text.h"
#include "environment.h"
#include "instance.h"
#include "open_files.h"
#include "service.h"
#include "settings/load.h"
#include "signals.h"

namespace espalier::command {
namespace {

using settings::Settings;

int complain(std::string_view what) {
    std::cerr << what << '\n';
    return 1;
}

base::Log::Options log_options(const Settings& settings, bool verbose) {
    return {.level = verbose ? base::Level::debug : settings.log_level,
            .format = settings.log_format};
}

void print_addresses(const Settings& settings, const std::vector<std::uint16_t>& ports) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const auto& address = settings.listen_addr[i];
        const auto host = address.substr(0, address.rfind(':'));
        std::cout << "listening on http://" << (host.empty() ? "0.0.0.0" : host) << ':' << ports[i]
                  << '\n'
                  << std::flush;
    }
}

// The configuration as the command line wants it.
base::Result<settings::Loaded> read(const ServeOptions& options) {
    auto loaded =
        settings::load(options.config, {.lenient = options.lenient, .environment = environment});
    if (loaded && !options.listen.empty()) loaded->settings.listen_addr = options.listen;
    return loaded;
}

// Puts the file in force as it is now. A bad one leaves everything as it was.
base::Result<void> reload(Service& service, const ServeOptions& options, base::Log& log) {
    const auto loaded = read(options);
    if (!loaded) return std::unexpected(loaded.error());
    for (const auto& warning : loaded->warnings) log.warning("configuration", {{"what", warning}});
    return service.reload(loaded->settings);
}

void serve_until_told(Service& service, Instance& instance, const ServeOptions& options,
                      base::Log& log) {
    while (wait_for_serving_signal() == Signal::reload) {
        const auto done = reload(service, options, log);
        const auto why = done ? std::string() : base::one_line(done.error().reason, 1000);
        if (done)
            log.info("the configuration was read again", {{"file", options.config}});
        else
            log.error("the configuration stays as it was", {{"why", why}});
        instance.say(done ? "ok" : why);
    }
}

int serve(const Settings& settings, std::uint64_t files_max, const ServeOptions& options) {
    base::Log log(log_options(settings, options.verbose));
    auto instance = Instance::claim(settings::ledger_file(settings, environment));
    if (!instance) return complain(instance.error().reason);
    auto opened = Service::open(settings, files_max, log);
    if (!opened) return complain(opened.error().reason);
    auto& service = **opened;
    if (const auto started = service.start(); !started) return complain(started.error().reason);
    print_addresses(settings, service.ports());
    log.info("serving", {{"upstreams", static_cast<std::int64_t>(settings.upstreams.size())},
                         {"quorum", settings.min_upload_servers}});
    serve_until_told(service, *instance, options, log);
    log.info("shutting down", {{"grace_ms", settings.shutdown_grace.count()}});
    service.stop();
    log.info("stopped");
    return 0;
}

}  // namespace

int run_serve(const ServeOptions& options) {
    block_serving_signals();
    const auto files_max = raise_file_limit();
    auto loaded = read(options);
    if (!loaded) return complain(loaded.error().reason);
    for (const auto& warning : loaded->warnings) std::cerr << "warning: " << warning << '\n';
    return serve(loaded->settings, files_max, options);
}

}  // namespace espalier::command
