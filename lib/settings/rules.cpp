#include "settings/rules.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "engine/url.h"
#include "fleet/upstream.h"
#include "settings/keys.h"
#include "settings/values.h"

namespace espalier::settings {
namespace {

using base::text;

class Rules {
public:
    Rules(const Settings& settings, const Places& places, Report& report)
        : s_(settings), places_(places), report_(report) {}

    void check() {
        if (s_.listen_addr.empty()) server_problem("listen_addr", "must name an address");
        enough_upstreams();
        distinct_upstreams();
        for (std::size_t i = 0; i < s_.upstreams.size(); ++i) one_upstream(i);
        timeouts();
        window();
        memory();
        if (s_.hints == Hints::allowlist && s_.hint_hosts.empty())
            server_problem("hints", "allowlist needs hint_hosts");
    }

private:
    void upstream_problem(std::size_t index, std::string_view key, std::string_view what) {
        report_.problem(places_.upstream_line(index, key), text(kUpstreamsKey, '.', key), what);
    }
    void server_problem(std::string_view key, std::string_view what) {
        report_.problem(places_.server_line(key), text(kServerKey, '.', key), what);
    }

    void enough_upstreams() {
        const auto needed = static_cast<std::size_t>(s_.min_upload_servers);
        if (s_.upstreams.size() < needed) {
            return report_.problem(
                places_.upstreams, kUpstreamsKey,
                text("has ", s_.upstreams.size(), ", but min_upload_servers is ", needed));
        }
        if (s_.upstreams.size() > fleet::kUpstreamsMax) {
            report_.problem(places_.upstreams, kUpstreamsKey,
                            text("has more than ", fleet::kUpstreamsMax, " entries"));
        }
        const auto writable = std::ranges::count(s_.upstreams, Mode::rw, &UpstreamSettings::mode);
        if (static_cast<std::size_t>(writable) >= needed) return;
        report_.warning(places_.upstreams, kUpstreamsKey,
                        text("only ", writable, " with mode rw, but min_upload_servers is ", needed,
                             ": every upload will be refused"));
    }

    // Two spellings of one address are one server: it would be counted twice in every quorum.
    void distinct_upstreams() {
        std::map<std::string, std::size_t> seen;
        for (std::size_t i = 0; i < s_.upstreams.size(); ++i) {
            const auto url = engine::Url::parse(s_.upstreams[i].url);
            if (!url) continue;
            const auto base_path = url->path().ends_with('/')
                                       ? url->path().substr(0, url->path().size() - 1)
                                       : url->path();
            const auto [first, fresh] = seen.emplace(url->origin() + base_path, i);
            if (fresh) continue;
            upstream_problem(
                i, "url",
                text("the same server as in line ", places_.upstream_line(first->second, "url")));
        }
    }

    void one_upstream(std::size_t index) {
        const auto& upstream = s_.upstreams[index];
        if (upstream.url.empty() && !places_.upstream_lines[index].contains("url")) {
            upstream_problem(index, "url", "is missing");
        }
        trusting(index, upstream);
        if (upstream.auth == UpstreamAuth::service_key && s_.service_key.empty())
            upstream_problem(index, "auth", "service_key needs server.service_key");
        if (upstream.required && upstream.mode != Mode::rw)
            upstream_problem(index, "required", "no upload can succeed: its mode is not rw");
        const auto scheme = upstream.url.substr(0, upstream.url.find("://"));
        const auto end = upstream.connect_to.find("://");
        if (end == std::string::npos || upstream.connect_to.substr(0, end) == scheme) return;
        upstream_problem(index, "connect_to",
                         text("must have the url's scheme (", scheme, ") or none"));
    }

    // A server that sees no token takes our word for who may delete there.
    void trusting(std::size_t index, const UpstreamSettings& upstream) {
        if (upstream.auth != UpstreamAuth::none || !s_.allowed_pubkeys.empty()) return;
        report_.warning(places_.upstream_line(index, "auth"), text(kUpstreamsKey, ".auth"),
                        "none without allowed_pubkeys: anybody may delete anything there");
    }

    void timeouts() {
        if (s_.min_upload_timeout <= s_.max_upload_timeout) return;
        server_problem("min_upload_timeout", text("is longer than max_upload_timeout (",
                                                  show_duration(s_.max_upload_timeout), ")"));
    }

    void window() {
        if (s_.upload_window > s_.buffers_max) {
            server_problem("upload.window",
                           text("is larger than buffers_max (", show_size(s_.buffers_max), ")"));
        }
        if (s_.verify_first_max > s_.upload_window) {
            server_problem("verify_first_max", text("is larger than upload.window (",
                                                    show_size(s_.upload_window), ")"));
        }
    }

    void memory() {
        const auto entries = static_cast<std::uint64_t>(s_.cache_max_size) +
                             static_cast<std::uint64_t>(s_.negative_max_size);
        const std::uint64_t maps = entries * kMapEntryBytes;
        const std::uint64_t limit = s_.max_memory_bytes / 5 * 4;
        if (maps <= limit && s_.buffers_max <= limit - maps) return;
        server_problem("max_memory_bytes", text("80 % of it (", limit,
                                                " bytes) must hold buffers_max (", s_.buffers_max,
                                                ") and the maps of cache_max_size and "
                                                "negative_max_size (",
                                                maps, ")"));
    }

    const Settings& s_;
    const Places& places_;
    Report& report_;
};

int line_in(const Lines& lines, std::string_view key, int otherwise) {
    const auto found = lines.find(key);
    return found == lines.end() ? otherwise : found->second;
}

}  // namespace

int Places::server_line(std::string_view key) const {
    return line_in(server_lines, key, server);
}

int Places::upstream_line(std::size_t index, std::string_view key) const {
    return line_in(upstream_lines[index], key, upstream[index]);
}

void check_rules(const Settings& settings, const Places& places, Report& report) {
    Rules(settings, places, report).check();
}

}  // namespace espalier::settings
