// What the command line knows, read off CLI11's description of it: the source of the manual page
// and of the shells' completions, which can therefore not be out of date.
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own name
class App;
}

namespace espalier::command {

struct Flag {
    std::vector<std::string> names;  // "-v", "--verbose"; of a positional argument its name
    std::string description;
    bool takes_value = false;
    bool positional = false;
    bool required = false;
    std::string fallback;  // the default, "" none
};

struct Subcommand {
    std::string name;
    std::string description;
    std::vector<Flag> flags;
};

struct CommandLine {
    std::string description;
    std::vector<Flag> flags;  // without a subcommand
    std::vector<Subcommand> subcommands;
};

CommandLine command_line_of(const CLI::App& app);

}  // namespace espalier::command
