#include "settings/reference.h"

#include <algorithm>

#include "base/text.h"
#include "settings/keys.h"

namespace espalier::settings {
namespace {

// '|' would end a cell of a table.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text)
        base::append_text(out, c == '|' ? std::string("\\|") : std::string(1, c));
    return out;
}

template <class Owner>
void describe_key(const Key<Owner>& key, std::string& out) {
    const auto alias = key.alias.empty() ? std::string() : base::text(" (or `", key.alias, "`)");
    const auto mark = key.is_live ? " ↻" : "";
    out += base::text("| `", key.name, "`", alias, mark, " | ", cell(key.type), " | ",
                      cell(key.default_text()), " | ", cell(key.meaning), " |\n");
}

template <class Owner>
void describe_sections(std::string_view title, std::string& out) {
    out += base::text("## ", title, "\n");
    for (const auto& section : sections_of<Owner>()) {
        out += base::text("\n### ", section.title, "\n\n");
        out += "| key | type | default | meaning |\n|---|---|---|---|\n";
        for (const auto& key : section.keys) describe_key(key, out);
    }
    out += '\n';
}

}  // namespace

std::string describe() {
    std::string out = "# Configuration\n\n";
    out +=
        "Durations: `500ms`, `30s`, `5m`, `1h30m`. Sizes: bytes, or `8MiB` (powers of 1024), "
        "`8MB` (powers of 1000). A dotted name may be nested: `auth: {writes: forward}` is "
        "`auth.writes: forward`.\n\n"
        "↻: may be changed while the gateway runs (`espalier reload`, or SIGHUP), as may the "
        "upstreams; the other keys are read at the start.\n\n";
    describe_sections<UpstreamSettings>("Each entry of `upstream_servers:`", out);
    describe_sections<Settings>("`server:`", out);
    return out;
}

}  // namespace espalier::settings
