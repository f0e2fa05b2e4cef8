// load() and parse() turn the configuration file into Settings, or into a list of everything
// that is wrong with it.
//
// Every line of an error reads "file:line: key: what is wrong", with the nearest right name or
// the allowed values. Unknown keys, duplicate keys and bad values are refused; nothing is
// silently dropped, an unreadable allowlist entry least of all.
//
// Threads: any; nothing global is read: the environment is an argument.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "settings/settings.h"

namespace espalier::settings {

// The value of an environment variable, nothing if it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

struct LoadOptions {
    bool lenient = false;     // unknown keys are warnings
    Environment environment;  // empty: no variable is set
};

struct Loaded {
    Settings settings;
    std::vector<std::string> warnings;  // one line each, as in errors
};

// Errors: missing or storage (cannot be read), invalid (the reason has one line per problem).
base::Result<Loaded> load(const std::string& path, const LoadOptions& options = {});
// `name` stands for the file in messages.
base::Result<Loaded> parse(std::string_view text, const std::string& name,
                           const LoadOptions& options = {});

// Where the ledger lies: `ledger_path`, or espalier.db in the first folder of these that is set:
// $STATE_DIRECTORY (given by systemd), $XDG_STATE_HOME/espalier, $HOME/.local/state/espalier,
// spool_dir. The folder may not exist yet.
std::string ledger_file(const Settings& settings, const Environment& environment);

}  // namespace espalier::settings
