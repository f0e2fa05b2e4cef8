// read_map() reads one map of the file into its owner, by the owner's table of keys.
//
// Names are dotted; a map below a name ("auth:" with "writes:" in it) is the same as the dotted
// spelling ("auth.writes:"). Whatever is wrong goes to the Report; the owner keeps its default.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "settings/document.h"
#include "settings/report.h"
#include "settings/settings.h"

namespace espalier::settings {

// The lines in which keys were given a value, by their names in the table.
using Lines = std::map<std::string, int, std::less<>>;

struct ReadOptions {
    std::string_view path;  // in front of names in messages: "server"
    bool lenient = false;   // unknown names are warnings
};

Lines read_map(const Node& map, const ReadOptions& options, Settings& owner, Report& report);
Lines read_map(const Node& map, const ReadOptions& options, UpstreamSettings& owner,
               Report& report);

// What to say about a name that no table has at this place: where it belongs, or what was
// probably meant. `path` as above, "" at the top of the file.
std::string unknown_name(std::string_view path, std::string_view name);

// Whether `name` or a name above it ("cache" for "cache.dir") is one that later versions take.
bool is_later_name(std::string_view path, std::string_view name);

// Reports an unknown or later name: a warning when lenient.
void report_unknown(const ReadOptions& options, int line, std::string_view name, Report& report);

}  // namespace espalier::settings
