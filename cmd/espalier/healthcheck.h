// `espalier healthcheck`: asks a gateway how it is, for containers and scripts.
#pragma once

#include <string>

namespace espalier::command {

struct HealthcheckOptions {
    std::string url = "http://127.0.0.1:8080";
};

// Asks for /health. The exit status: 0 when the answer is 200; 1 after a line on stderr that says
// why not.
int run_healthcheck(const HealthcheckOptions& options);

}  // namespace espalier::command
