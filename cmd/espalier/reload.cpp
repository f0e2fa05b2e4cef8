#include "reload.h"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/clock.h"
#include "environment.h"
#include "instance.h"
#include "settings/load.h"

namespace espalier::command {
namespace {

constexpr base::Seconds kPatience{10};
constexpr base::Milliseconds kLook{20};

int complain(const std::string& what) {
    std::cerr << "espalier reload: " << what << '\n';
    return EXIT_FAILURE;
}

// What the gateway says next, "" when it says nothing in time.
std::string next_word(const std::string& ledger, const std::string& before) {
    const auto deadline = base::Deadline::after(kPatience);
    while (!deadline.passed()) {
        auto now = Instance::last_word(ledger);
        if (now != before && now.ends_with('\n')) return now;
        std::this_thread::sleep_for(kLook);
    }
    return {};
}

}  // namespace

int run_reload(const ReloadOptions& options) {
    const auto loaded =
        settings::load(options.config, {.lenient = options.lenient, .environment = environment});
    if (!loaded) return complain(loaded.error().reason);
    const auto ledger = settings::ledger_file(loaded->settings, environment);
    const auto process = Instance::holder(ledger);
    if (!process) return complain("no gateway runs with the ledger " + ledger);
    const auto before = Instance::last_word(ledger);
    if (::kill(*process, SIGHUP) != 0)
        return complain("process " + std::to_string(*process) + " may not be told");
    const auto said = next_word(ledger, before);
    if (said.empty()) return complain("the gateway did not answer");
    // "<count> <process> <line>"
    const auto line = said.substr(said.find(' ', said.find(' ') + 1) + 1);
    if (line != "ok\n") return complain(line.substr(0, line.size() - 1));
    std::cout << "the gateway (process " << *process << ") goes by " << options.config << " now\n"
              << std::flush;
    return EXIT_SUCCESS;
}

}  // namespace espalier::command
