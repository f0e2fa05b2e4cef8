#include "manual.h"

#include "base/text.h"

namespace espalier::command {
namespace {

// Backslashes and hyphens mean something to man(7), and so does a dot that begins a line.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '-') out.push_back('\\');
        base::append_text(out, c == '\\' ? std::string("e") : std::string(1, c));
    }
    return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string names_of(const Flag& flag) {
    std::string out;
    for (const auto& name : flag.names)
        out += base::text(out.empty() ? "" : ", ", "\\fB", escaped(name), "\\fR");
    return flag.takes_value && !flag.positional ? out + " \\fIvalue\\fR" : out;
}

std::string describe(const std::vector<Flag>& flags) {
    std::string out;
    for (const Flag& flag : flags) {
        out += base::text(".TP\n", names_of(flag), "\n", escaped(flag.description));
        if (!flag.fallback.empty()) out += base::text(" (default: ", escaped(flag.fallback), ")");
        out += '\n';
    }
    return out;
}

std::string synopsis_of(const Subcommand& subcommand) {
    auto out = base::text(".SS espalier ", subcommand.name, " [options]");
    for (const Flag& flag : subcommand.flags)
        if (flag.positional)
            out += base::text(flag.required ? " " : " [", flag.names.front(),
                              flag.required ? "" : "]");
    return out + "\n";
}

constexpr std::string_view kRest = R"(.SH ENVIRONMENT
.TP
.B ESPALIER_NSEC
The secret key that upload, auth, missing and repair sign with.
.TP
.B UPSTREAM_MODE
redirect or proxy, as the key upstream_mode has it; answers redirects with 302.
.TP
.B STATE_DIRECTORY
The folder of the ledger, unless the key ledger_path names a file.
.SH FILES
.TP
.I config/config.yaml
The configuration; config/config.example.yaml explains every key.
.SH SIGNALS
SIGHUP has the gateway read its configuration again; SIGTERM and SIGINT end it in order.
.SH EXIT STATUS
0 when all went well, another number otherwise; what was wrong stands on the standard error.
)";

}  // namespace

std::string manual_page(const CommandLine& line, std::string_view version) {
    auto page = base::text(".TH ESPALIER 1 \"\" \"espalier ", version,
                           "\"\n.SH NAME\nespalier \\- ", escaped(line.description),
                           "\n.SH SYNOPSIS\n.B espalier\n[\\fIcommand\\fR] [\\fIoptions\\fR]\n"
                           ".SH DESCRIPTION\nEspalier stands in front of several Blossom servers "
                           "and makes them one. Without a command it serves.\n.SH OPTIONS\n",
                           describe(line.flags), ".SH COMMANDS\n");
    for (const auto& subcommand : line.subcommands)
        page += base::text(synopsis_of(subcommand), escaped(subcommand.description), ".\n",
                           describe(subcommand.flags));
    return page + std::string(kRest);
}

}  // namespace espalier::command
