#include "command_line.h"

#include <CLI/CLI.hpp>

namespace espalier::command {
namespace {

std::vector<Flag> flags_of(const CLI::App& app) {
    std::vector<Flag> flags;
    for (const CLI::Option* option : app.get_options()) {
        Flag flag{.names = {},
                  .description = option->get_description(),
                  .takes_value = option->get_items_expected_max() > 0,
                  .positional = option->get_positional(),
                  .required = option->get_required(),
                  .fallback = option->get_default_str()};
        if (flag.positional) flag.names.push_back(option->get_name(true));
        for (const auto& name : option->get_snames()) flag.names.push_back("-" + name);
        for (const auto& name : option->get_lnames()) flag.names.push_back("--" + name);
        flags.push_back(std::move(flag));
    }
    return flags;
}

}  // namespace

CommandLine command_line_of(const CLI::App& app) {
    CommandLine line{
        .description = app.get_description(), .flags = flags_of(app), .subcommands = {}};
    for (const CLI::App* subcommand : app.get_subcommands({}))
        line.subcommands.push_back({.name = subcommand->get_name(),
                                    .description = subcommand->get_description(),
                                    .flags = flags_of(*subcommand)});
    return line;
}

}  // namespace espalier::command
