// `espalier check`: reads a configuration as `serve` would, and says what it makes of it.
#pragma once

#include <string>

namespace espalier::command {

struct CheckOptions {
    std::string config = "config/config.yaml";
    bool lenient = false;    // unknown keys are warnings
    bool reference = false;  // print the reference of all keys instead
    bool live = false;       // ask the servers too, and print what they say instead of the summary
    bool json = false;       // with `live`
};

// Prints every problem with its file and line on stderr, or "PATH: ok" and a short summary. The
// exit status: 0, or 1 when the gateway would not start with it, or, with `live`, when a server
// cannot be reached.
int run_check(const CheckOptions& options);

}  // namespace espalier::command
