// `espalier serve`: the gateway.
#pragma once

#include <string>
#include <vector>

namespace espalier::command {

struct ServeOptions {
    std::string config = "config/config.yaml";
    std::vector<std::string> listen;  // overrides listen_addr
    bool verbose = false;
    bool lenient = false;  // unknown keys are warnings
};

// Serves until SIGINT or SIGTERM; the process's exit code. Requires: no other thread yet.
int run_serve(const ServeOptions& options);

}  // namespace espalier::command
