// A Service is a whole gateway in this process: every object from the fleet to the listening
// server, wired by hand. `serve` runs one, `demo` runs one beside three stores.
//
// Threads: those of its parts, from start() to stop().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "settings/settings.h"

namespace espalier::command {

class Service {
public:
    // `log` outlives the Service. `files_max`: how many files this process may have open; with
    // few, fewer clients are let in than configured. Errors: invalid (an upstream or a key that
    // validation has not seen), storage (the ledger cannot be opened; its folder is made if need
    // be).
    static base::Result<std::unique_ptr<Service>> open(settings::Settings settings,
                                                       std::uint64_t files_max, base::Log& log);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Errors: those of http::Server::start().
    base::Result<void> start();
    // Puts in force what of `settings` may change while it runs, for requests that begin from now
    // on; none is dropped. Errors: invalid, naming the keys that need a restart, or as open();
    // then nothing has changed. Threads: the one that started it.
    base::Result<void> reload(const settings::Settings& settings);
    // In the order of Settings::listen_addr, once started.
    std::vector<std::uint16_t> ports() const;
    // Refuses what is new, gives what is under way `shutdown_grace`, notes the rest in the
    // ledger. Harmless when repeated.
    void stop();

private:
    class Parts;
    Service(std::unique_ptr<Parts> parts, settings::Settings settings);
    settings::Settings settings_;  // in force, as they were read
    const std::unique_ptr<Parts> parts_;
};

}  // namespace espalier::command
