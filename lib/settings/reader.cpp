#include "settings/reader.h"

#include <algorithm>

#include "base/text.h"
#include "settings/keys.h"
#include "settings/nearest.h"

namespace espalier::settings {
namespace {

template <class Owner>
std::vector<std::string> names_of() {
    std::vector<std::string> out;
    for (const auto& key : keys_of<Owner>()) {
        out.emplace_back(key.name);
        if (!key.alias.empty()) out.emplace_back(key.alias);
    }
    return out;
}

std::vector<std::string> names_at(std::string_view path) {
    if (path == kServerKey) return names_of<Settings>();
    if (path == kUpstreamsKey) return names_of<UpstreamSettings>();
    return {std::string(kUpstreamsKey), std::string(kServerKey)};
}

std::string dotted(std::string_view path, std::string_view name) {
    return path.empty() ? std::string(name) : base::text(path, '.', name);
}

bool is_below(std::string_view name, std::string_view group) {
    return name == group || (name.starts_with(group) && name.substr(group.size()).starts_with('.'));
}

template <class Owner>
class MapReader {
public:
    MapReader(const ReadOptions& options, Owner& owner, Report& report)
        : options_(options), owner_(owner), report_(report) {}

    void read(const Node& map, const std::string& prefix) {
        for (const Node& entry : map.children) read_entry(entry, prefix + entry.key);
    }
    Lines take_lines() && { return std::move(lines_); }

private:
    void read_entry(const Node& entry, const std::string& name) {
        const auto key = std::ranges::find_if(
            keys_, [&](const auto& k) { return k.name == name || k.alias == name; });
        if (key != keys_.end()) return read_key(*key, entry, name);
        if (const auto member = first_below(name); !member.empty()) {
            return read_group(entry, name, member);
        }
        report_unknown(options_, entry.line, name, report_);
    }

    void read_key(const Key<Owner>& key, const Node& entry, const std::string& name) {
        const auto [first, fresh] = seen_.emplace(key.name, entry.line);
        if (!fresh) {
            const auto what = base::text("given twice, first in line ", first->second);
            return report_.problem(entry.line, dotted(options_.path, name), what);
        }
        // A name without a value keeps its default, as in the Go original.
        if (entry.kind == Node::Kind::null) return;
        lines_.emplace(key.name, entry.line);
        for (const Fault& fault : key.read(owner_, entry)) {
            report_.problem(fault.line, dotted(options_.path, name), fault.what);
        }
    }

    void read_group(const Node& entry, const std::string& name, std::string_view member) {
        const bool holds_keys = entry.kind == Node::Kind::map || entry.kind == Node::Kind::null;
        if (holds_keys) return read(entry, name + '.');
        report_.problem(entry.line, dotted(options_.path, name),
                        base::text("holds keys, such as `", member, "`"));
    }

    // "auth.writes" for "auth"; "" when nothing lies below.
    std::string_view first_below(std::string_view group) const {
        const auto key =
            std::ranges::find_if(keys_, [&](const auto& k) { return is_below(k.name, group); });
        return key == keys_.end() ? std::string_view() : key->name;
    }

    const ReadOptions& options_;
    Owner& owner_;
    Report& report_;
    const std::vector<Key<Owner>> keys_ = keys_of<Owner>();
    Lines seen_;   // every key
    Lines lines_;  // those with a value
};

template <class Owner>
Lines read_into(const Node& map, const ReadOptions& options, Owner& owner, Report& report) {
    MapReader<Owner> reader(options, owner, report);
    reader.read(map, "");
    return std::move(reader).take_lines();
}

// The other places of the file that have this very name.
std::string place_of(std::string_view path, std::string_view name) {
    for (const auto place : {kServerKey, kUpstreamsKey, std::string_view()}) {
        const auto names = names_at(place);
        if (place == path || std::ranges::find(names, name) == names.end()) continue;
        if (place.empty()) return "belongs at the top of the file, not indented";
        const auto each = place == kUpstreamsKey ? "each entry of " : "";
        return base::text("belongs under ", each, '`', place, ":`");
    }
    return {};
}

}  // namespace

Lines read_map(const Node& map, const ReadOptions& options, Settings& owner, Report& report) {
    return read_into(map, options, owner, report);
}

Lines read_map(const Node& map, const ReadOptions& options, UpstreamSettings& owner,
               Report& report) {
    return read_into(map, options, owner, report);
}

std::string unknown_name(std::string_view path, std::string_view name) {
    if (const auto place = place_of(path, name); !place.empty()) return place;
    if (const auto meant = nearest(name, names_at(path))) {
        return base::text("unknown key; did you mean `", *meant, "`?");
    }
    return "unknown key";
}

bool is_later_name(std::string_view path, std::string_view name) {
    const auto names = path == kServerKey      ? later_server_keys()
                       : path == kUpstreamsKey ? later_upstream_keys()
                                               : later_top_keys();
    return std::ranges::any_of(names, [&](auto later) { return is_below(name, later); });
}

void report_unknown(const ReadOptions& options, int line, std::string_view name, Report& report) {
    const auto what = is_later_name(options.path, name)
                          ? std::string("known, but not available in this version yet")
                          : unknown_name(options.path, name);
    const auto place = dotted(options.path, name);
    if (options.lenient) return report.warning(line, place, what + "; ignored");
    report.problem(line, place, what);
}

}  // namespace espalier::settings
