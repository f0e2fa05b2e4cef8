#include "check.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/text.h"
#include "environment.h"
#include "live.h"
#include "progress.h"
#include "settings/load.h"
#include "settings/reference.h"
#include "wiring.h"

namespace espalier::command {
namespace {

using settings::Settings;

std::string listed(const std::vector<std::string>& words) {
    std::string line;
    for (const auto& word : words) line += (line.empty() ? "" : ", ") + word;
    return line;
}

std::string writers_of(const Settings& settings) {
    if (settings.auth_writes == settings::AuthWrites::forward) return "whoever the upstreams let";
    if (settings.allowed_pubkeys.empty()) return "everyone with a valid token";
    return base::text(settings.allowed_pubkeys.size(), " public keys");
}

void print_summary(const Settings& settings) {
    std::cout << "  listens on  " << listed(settings.listen_addr) << '\n'
              << "  writers     " << writers_of(settings) << '\n'
              << "  uploads     up to " << human_bytes(settings.max_upload_size) << ", stored at "
              << settings.min_upload_servers << " of " << settings.upstreams.size()
              << " upstreams\n";
    for (const auto& upstream : settings.upstreams)
        std::cout << "  upstream    " << upstream.url << " (priority " << upstream.priority
                  << ")\n";
    std::cout << "  ledger      " << settings::ledger_file(settings, environment) << '\n'
              << "  spool       " << settings.spool_dir << ", up to "
              << human_bytes(settings.spool_max_bytes) << '\n';
}

int run_live(const Settings& settings, bool as_json) {
    auto upstreams = upstreams_from(settings);
    if (!upstreams) return EXIT_FAILURE;
    Desk desk(std::move(*upstreams));
    const auto servers = ask_servers(desk);
    std::cout << (as_json ? live_json(servers) : live_text(servers)) << std::flush;
    const bool all_there = std::ranges::all_of(servers, &LiveServer::reachable);
    return std::cout && all_there ? EXIT_SUCCESS : EXIT_FAILURE;
}

// What only shows when the gateway is put together.
base::Result<void> try_wiring(const Settings& settings) {
    if (const auto upstreams = upstreams_from(settings); !upstreams)
        return std::unexpected(upstreams.error());
    if (const auto auth = authorizer_from(settings); !auth) return std::unexpected(auth.error());
    return {};
}

}  // namespace

int run_check(const CheckOptions& options) {
    if (options.reference) {
        std::cout << settings::describe() << std::flush;
        return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    const auto loaded =
        settings::load(options.config, {.lenient = options.lenient, .environment = environment});
    if (!loaded) {
        std::cerr << loaded.error().reason << '\n';
        return EXIT_FAILURE;
    }
    for (const auto& warning : loaded->warnings) std::cerr << "warning: " << warning << '\n';
    if (const auto wired = try_wiring(loaded->settings); !wired) {
        std::cerr << options.config << ": " << wired.error().reason << '\n';
        return EXIT_FAILURE;
    }
    if (options.live) return run_live(loaded->settings, options.json);
    std::cout << options.config << ": ok\n";
    print_summary(loaded->settings);
    std::cout << std::flush;
    return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace espalier::command
