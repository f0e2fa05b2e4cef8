#include "completion.h"

#include "base/text.h"

namespace espalier::command {
namespace {

std::string option_words(const std::vector<Flag>& flags) {
    std::string words;
    for (const Flag& flag : flags)
        if (!flag.positional)
            for (const auto& name : flag.names) words += base::text(words.empty() ? "" : " ", name);
    return words;
}

std::string subcommand_words(const CommandLine& line, std::string_view between) {
    std::string words;
    for (const auto& subcommand : line.subcommands)
        words += base::text(words.empty() ? "" : between, subcommand.name);
    return words;
}

// The first word that is a command decides which options there are; where none begins, files are
// offered.
std::string for_bash(const CommandLine& line) {
    auto cases = std::string();
    for (const auto& subcommand : line.subcommands)
        cases += base::text("    ", subcommand.name, ") words='", option_words(subcommand.flags),
                            "' ;;\n");
    return base::text(
        "_espalier() {\n"
        "  local current=${COMP_WORDS[COMP_CWORD]} command= word words\n"
        "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "    case $word in ",
        subcommand_words(line, "|"),
        ") command=$word; break ;; esac\n"
        "  done\n"
        "  case $command in\n",
        cases, "    *) words='", subcommand_words(line, " "), " ", option_words(line.flags),
        "' ;;\n"
        "  esac\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "}\n"
        "complete -o default -F _espalier espalier blossom_espelhator\n");
}

std::string for_zsh(const CommandLine& line) {
    return "#compdef espalier blossom_espelhator\n"
           "autoload -U +X bashcompinit && bashcompinit\n" +
           for_bash(line);
}

std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) base::append_text(out, c == '\'' ? "\\'" : std::string(1, c));
    return out + "'";
}

std::string fish_flags(const std::vector<Flag>& flags, const std::string& when) {
    std::string out;
    for (const Flag& flag : flags) {
        if (flag.positional) continue;
        out += base::text("complete -c espalier -n ", quoted(when));
        for (const auto& name : flag.names)
            out += name.starts_with("--") ? base::text(" -l ", name.substr(2))
                                          : base::text(" -s ", name.substr(1));
        out += base::text(flag.takes_value ? " -r" : "", " -d ", quoted(flag.description), "\n");
    }
    return out;
}

std::string for_fish(const CommandLine& line) {
    auto out = fish_flags(line.flags, "__fish_use_subcommand");
    for (const auto& subcommand : line.subcommands) {
        out += base::text("complete -c espalier -f -n '__fish_use_subcommand' -a ", subcommand.name,
                          " -d ", quoted(subcommand.description), "\n");
        out += fish_flags(subcommand.flags, "__fish_seen_subcommand_from " + subcommand.name);
    }
    return out;
}

}  // namespace

base::Result<std::string> completion(const CommandLine& line, std::string_view shell) {
    if (shell == "bash") return for_bash(line);
    if (shell == "zsh") return for_zsh(line);
    if (shell == "fish") return for_fish(line);
    return base::fail(base::ErrorKind::invalid,
                      base::text("no completion for `", shell, "`: bash, zsh or fish"));
}

}  // namespace espalier::command
