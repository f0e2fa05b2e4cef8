#include "serve.h"

#include <iostream>
#include <string_view>

#include "environment.h"
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

int serve(Settings settings, std::uint64_t files_max, const ServeOptions& options) {
    if (!options.listen.empty()) settings.listen_addr = options.listen;
    base::Log log(log_options(settings, options.verbose));
    auto opened = Service::open(settings, files_max, log);
    if (!opened) return complain(opened.error().reason);
    auto& service = **opened;
    if (const auto started = service.start(); !started) return complain(started.error().reason);
    print_addresses(settings, service.ports());
    log.info("serving", {{"upstreams", static_cast<std::int64_t>(settings.upstreams.size())},
                         {"quorum", settings.min_upload_servers}});
    wait_for_ending_signal();
    log.info("shutting down", {{"grace_ms", settings.shutdown_grace.count()}});
    service.stop();
    log.info("stopped");
    return 0;
}

}  // namespace

int run_serve(const ServeOptions& options) {
    block_ending_signals();
    const auto files_max = raise_file_limit();
    auto loaded =
        settings::load(options.config, {.lenient = options.lenient, .environment = environment});
    if (!loaded) return complain(loaded.error().reason);
    for (const auto& warning : loaded->warnings) std::cerr << "warning: " << warning << '\n';
    return serve(std::move(loaded->settings), files_max, options);
}

}  // namespace espalier::command
