// `espalier reload`: has the gateway that runs with a configuration read it again.
#pragma once

#include <string>

namespace espalier::command {

struct ReloadOptions {
    std::string config = "config/config.yaml";
    bool lenient = false;
};

// The file is checked here first. The exit status: 0 when the gateway has put it in force, 1
// after a line on stderr that says why not; the old configuration is in force then.
int run_reload(const ReloadOptions& options);

}  // namespace espalier::command
