#include "settings/load.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/text.h"
#include "engine/url.h"
#include "settings/codec.h"
#include "settings/keys.h"
#include "settings/reader.h"
#include "settings/rules.h"

namespace espalier::settings {
namespace {

using base::text;

constexpr std::string_view kModeVariable = "UPSTREAM_MODE";

std::optional<std::string> variable(const Environment& environment, std::string_view name) {
    auto value = environment ? environment(name) : std::nullopt;
    return value && !value->empty() ? value : std::nullopt;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) base::append_text(out, out.empty() ? line : '\n' + line);
    return out;
}

// "host:port", whatever of it was written; the url's port fills in.
std::string full_address(std::string_view written, const engine::Url& url) {
    if (const auto other = engine::Url::parse(written)) {
        return text(other->host(), ':', other->port());
    }
    const bool has_port = written.find(':', written.rfind(']') + 1) != std::string_view::npos;
    return has_port ? std::string(written) : text(written, ':', url.port());
}

// One file on its way to Settings.
class Loading {
public:
    Loading(const std::string& name, const LoadOptions& options)
        : options_(options), report_(name) {}

    base::Result<Loaded> run(std::string_view text) {
        apply_environment();
        if (const auto root = parse_document(text)) {
            read_root(*root);
            share_memory();
            check_rules(settings_, places_, report_);
        } else {
            report_.problem(root.error().line, "", root.error().what);
        }
        if (report_.has_problems()) {
            return base::fail(base::ErrorKind::invalid, joined(report_.problems()));
        }
        finish();
        return Loaded{.settings = std::move(settings_), .warnings = report_.warnings()};
    }

private:
    // Seed 000's variable, with the status codes that its users expect; the file's own
    // redirect_status and uncertain_read are read later and win.
    void apply_environment() {
        const auto written = variable(options_.environment, kModeVariable);
        if (!written) return;
        const auto mode = Codec<UpstreamMode>::read(*written);
        if (!mode) {
            return report_.problem_elsewhere(text("environment: ", kModeVariable), mode.error());
        }
        environment_mode_ = *mode;
        settings_.redirect_status = RedirectStatus::found;
        settings_.uncertain_read = UncertainRead::not_found;
    }

    void read_root(const Node& root) {
        if (root.kind == Node::Kind::list || root.kind == Node::Kind::scalar) {
            return report_.problem(root.line, "", "expected `upstream_servers:` and `server:`");
        }
        for (const Node& entry : root.children) read_top(entry);
    }

    void read_top(const Node& entry) {
        if (const auto [first, fresh] = top_lines_.emplace(entry.key, entry.line); !fresh) {
            const auto what = text("given twice, first in line ", first->second);
            return report_.problem(entry.line, entry.key, what);
        }
        if (entry.key == kUpstreamsKey) return read_upstreams(entry);
        if (entry.key == kServerKey) return read_server(entry);
        report_unknown({.path = "", .lenient = options_.lenient}, entry.line, entry.key, report_);
    }

    void read_upstreams(const Node& entry) {
        places_.upstreams = entry.line;
        if (entry.kind == Node::Kind::map || entry.kind == Node::Kind::scalar) {
            return report_.problem(entry.line, entry.key, "must be a list: `- url: …`");
        }
        for (const Node& item : entry.children) read_upstream(item);
    }

    void read_upstream(const Node& item) {
        if (item.kind != Node::Kind::map) {
            return report_.problem(item.line, kUpstreamsKey, "each entry must have a `url:`");
        }
        auto& upstream = settings_.upstreams.emplace_back();
        places_.upstream.push_back(item.line);
        places_.upstream_lines.push_back(
            read_map(item, {kUpstreamsKey, options_.lenient}, upstream, report_));
    }

    void read_server(const Node& entry) {
        places_.server = entry.line;
        if (entry.kind == Node::Kind::list || entry.kind == Node::Kind::scalar) {
            return report_.problem(entry.line, entry.key, "must hold keys, one per line");
        }
        places_.server_lines = read_map(entry, {kServerKey, options_.lenient}, settings_, report_);
    }

    // The default of buffers_max follows max_memory_bytes.
    void share_memory() {
        if (places_.server_lines.contains("buffers_max")) return;
        settings_.buffers_max = settings_.max_memory_bytes / 5 * 2;
    }

    void finish() {
        settings_.upstream_mode = environment_mode_.value_or(settings_.upstream_mode);
        settings_.ledger_path = ledger_file(settings_, options_.environment);
        for (auto& upstream : settings_.upstreams) {
            const auto url = engine::Url::parse(upstream.url);
            if (!url || upstream.connect_to.empty()) continue;
            upstream.connect_to = full_address(upstream.connect_to, *url);
        }
    }

    const LoadOptions& options_;
    Report report_;
    Settings settings_;
    Places places_;
    Lines top_lines_;
    std::optional<UpstreamMode> environment_mode_;
};

}  // namespace

base::Result<Loaded> parse(std::string_view text, const std::string& name,
                           const LoadOptions& options) {
    return Loading(name, options).run(text);
}

base::Result<Loaded> load(const std::string& path, const LoadOptions& options) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        const int why = errno;
        return base::fail(why == ENOENT ? base::ErrorKind::missing : base::ErrorKind::storage,
                          text(path, ": cannot be read: ", std::strerror(why)));
    }
    std::string content(kDocumentBytesMax + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (file.bad() || (file.fail() && !file.eof())) {
        return base::fail(base::ErrorKind::storage, text(path, ": cannot be read"));
    }
    content.resize(static_cast<std::size_t>(file.gcount()));
    return parse(content, path, options);
}

std::string ledger_file(const Settings& settings, const Environment& environment) {
    constexpr std::string_view kFile = "/espalier.db";
    if (!settings.ledger_path.empty()) return settings.ledger_path;
    // systemd separates several folders by colons; the first is ours.
    if (const auto folders = variable(environment, "STATE_DIRECTORY")) {
        return text(folders->substr(0, folders->find(':')), kFile);
    }
    if (const auto folder = variable(environment, "XDG_STATE_HOME")) {
        return text(*folder, "/espalier", kFile);
    }
    if (const auto home = variable(environment, "HOME")) {
        return text(*home, "/.local/state/espalier", kFile);
    }
    return text(settings.spool_dir, kFile);
}

}  // namespace espalier::settings
