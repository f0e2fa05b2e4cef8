// The text that Prometheus scrapes, read by a small parser of its format.
#include "metrics/exposition.h"

#include <array>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/text.h"
#include "metrics/sources.h"

using namespace espalier;
using metrics::Exposition;

namespace {

bool is_name(std::string_view text) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    for (const char c : text)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != ':') return false;
    return true;
}

// A scrape, taken apart; `wrong` holds every line that breaks the format.
struct Scrape {
    explicit Scrape(const std::string& text) {
        CHECK(text.ends_with('\n'));
        for (const auto line : base::split(text, '\n'))
            if (!line.empty() && !read(std::string(line))) wrong.emplace_back(line);
    }

    bool read(const std::string& line) {
        if (line.starts_with("# HELP ")) return helped.insert(word(line, 7)).second;
        if (line.starts_with("# TYPE ")) {
            family = word(line, 7);
            const auto type = line.substr(7 + family.size() + 1);
            return types.emplace(family, type).second &&
                   (type == "counter" || type == "gauge" || type == "histogram");
        }
        return read_sample(line);
    }
    bool read_sample(const std::string& line) {
        const auto end = line.find_first_of("{ ");
        const auto name = line.substr(0, end);
        if (!is_name(name) || !is_of_family(name)) return false;  // samples follow their TYPE
        const auto close = line[end] == '{' ? labels_end(line, end + 1) : end;
        if (close == std::string::npos || line[close] != ' ') return false;
        char* rest = nullptr;
        const double value = std::strtod(line.c_str() + close + 1, &rest);
        return *rest == '\0' && samples.emplace(line.substr(0, close), value).second;
    }
    bool is_of_family(const std::string& name) const {
        if (types.at(family) != "histogram") return name == family;
        return name == family + "_bucket" || name == family + "_sum" || name == family + "_count";
    }
    // Past the brace that closes name="value",…; npos when malformed.
    static std::size_t labels_end(const std::string& line, std::size_t at) {
        for (;;) {
            const auto equals = line.find('=', at);
            if (equals == std::string::npos || !is_name(line.substr(at, equals - at)))
                return std::string::npos;
            if (line[equals + 1] != '"') return std::string::npos;
            auto end = equals + 2;
            while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2U : 1U;
            if (end >= line.size()) return std::string::npos;
            if (line[end + 1] == '}') return end + 2;
            if (line[end + 1] != ',') return std::string::npos;
            at = end + 2;
        }
    }
    static std::string word(const std::string& line, std::size_t from) {
        return line.substr(from, line.find(' ', from) - from);
    }

    std::vector<std::string> wrong;
    std::set<std::string> helped;
    std::map<std::string, std::string> types;
    std::map<std::string, double> samples;
    std::string family;
};

}  // namespace

TEST_CASE("counters and gauges are written with help, type, labels and value") {
    Exposition out;
    out.counter("things_total", "Things so far", std::uint64_t{3}, {{"kind", "a"}});
    out.gauge("level", "How high", 1.5);
    out.counter("things_total", "Things so far", std::uint64_t{4}, {{"kind", "b"}});
    const Scrape scrape(out.text());
    CHECK(scrape.wrong.empty());
    CHECK(scrape.types.at("things_total") == "counter");
    CHECK(scrape.types.at("level") == "gauge");
    CHECK(scrape.samples.at("things_total{kind=\"a\"}") == 3);
    CHECK(scrape.samples.at("things_total{kind=\"b\"}") == 4);
    CHECK(scrape.samples.at("level") == 1.5);
}

TEST_CASE("a histogram's buckets are cumulative and end with all") {
    Exposition out;
    constexpr std::array<double, 2> kBounds{0.5, 1};
    constexpr std::array<std::uint64_t, 3> kCounts{2, 0, 5};
    out.histogram("took_seconds", "How long", kBounds, kCounts, 9.5, {{"op", "a"}});
    const Scrape scrape(out.text());
    CHECK(scrape.wrong.empty());
    CHECK(scrape.types.at("took_seconds") == "histogram");
    CHECK(scrape.samples.at(R"(took_seconds_bucket{op="a",le="0.5"})") == 2);
    CHECK(scrape.samples.at(R"(took_seconds_bucket{op="a",le="1"})") == 2);
    CHECK(scrape.samples.at(R"(took_seconds_bucket{op="a",le="+Inf"})") == 7);
    CHECK(scrape.samples.at(R"(took_seconds_count{op="a"})") == 7);
    CHECK(scrape.samples.at(R"(took_seconds_sum{op="a"})") == 9.5);
}

TEST_CASE("label values are escaped") {
    Exposition out;
    out.gauge("level", "How high", 1, {{"host", "a\"b\\c\nd"}});
    const Scrape scrape(out.text());
    CHECK(scrape.wrong.empty());
    CHECK(scrape.samples.contains(R"(level{host="a\"b\\c\nd"})"));
}

TEST_CASE("large counters keep their digits") {
    Exposition out;
    out.counter("bytes_total", "Bytes", std::uint64_t{1} << 52U);
    CHECK(Scrape(out.text()).samples.at("bytes_total") == 4503599627370496.0);
}

TEST_CASE("sources add their figures at every scrape") {
    metrics::Metrics metrics;
    double level = 1;
    metrics.add_source([&](Exposition& out) { out.gauge("level", "How high", level); });
    metrics.add_source([](Exposition& out) { out.counter("one_total", "One", std::uint64_t{1}); });
    CHECK(Scrape(metrics.text()).samples.at("level") == 1);
    level = 2;
    const Scrape again(metrics.text());
    CHECK(again.samples.at("level") == 2);
    CHECK(again.samples.contains("one_total"));
}

TEST_CASE("every room's figures make a scrape without a wrong line") {
    std::vector<fleet::UpstreamSnapshot> upstreams(3);
    for (std::size_t i = 0; i < 3; ++i)
        upstreams[i].host = "up" + std::to_string(i) + ".example:8080";
    upstreams[1].healthy = false;
    upstreams[1].bytes_up = 77;
    upstreams[1].tallies[static_cast<std::size_t>(fleet::Op::upload)] = {.success = 5,
                                                                         .failure = 6};
    upstreams[1].recent.lookups = {
        .count = 9, .p50 = base::Milliseconds{20}, .p95 = base::Milliseconds{500}};
    upstreams[1].recent.last_hour = {.success = 3, .failure = 1};
    upstreams[1].probe_age = 2;
    upstreams[1].clock_skew = -4;
    upstreams[1].offers[1].offered = fleet::Capability::yes;
    upstreams[1].lookups_took.counts[0] = 3;
    upstreams[1].failures[static_cast<std::size_t>(fleet::Failure::wrong_hash)] = 2;
    fleet::BlobMap::Snapshot map{.entries = 9, .bytes = 900, .evicted = 1};
    map.copies[2] = 9;
    Exposition out;
    metrics::describe(out, upstreams);
    metrics::describe(out, map);
    metrics::describe(out,
                      fanout::Locator::Snapshot{.started = 1, .shared = 2, .negative_hits = 3});
    metrics::describe(out, engine::Engine::Snapshot{});
    metrics::describe(out, http::Server::Snapshot{});
    metrics::describe(out, metrics::read_vitals());
    const Scrape scrape(out.text());
    CHECK(scrape.wrong == std::vector<std::string>{});
    for (const auto& [name, type] : scrape.types) {
        CAPTURE(name);
        CHECK(scrape.helped.contains(name));
        CHECK(name.ends_with("_total") == (type == "counter"));
        CHECK((name.starts_with("blossom_gw_") || name.starts_with("process_")));
    }
    const auto of_one = [&](const std::string& name, const std::string& more = {}) {
        return scrape.samples.at("blossom_gw_upstream_" + name + "{upstream=\"up1.example:8080\"" +
                                 more + "}");
    };
    CHECK(of_one("healthy") == 0);
    CHECK(of_one("bytes_total", ",dir=\"up\"") == 77);
    CHECK(of_one("requests_total", ",op=\"upload\",outcome=\"success\"") == 5);
    CHECK(of_one("requests_total", ",op=\"upload\",outcome=\"failure\"") == 6);
    CHECK(of_one("recent_seconds", ",op=\"lookup\",percentile=\"95\"") == 0.5);
    CHECK(of_one("success_ratio", ",window=\"1h\"") == 0.75);
    CHECK(of_one("probe_age_seconds") == 2);
    CHECK(of_one("clock_skew_seconds") == -4);
    CHECK(of_one("capability", ",endpoint=\"mirror\"") == 1);
    CHECK(of_one("state") == 0);
    CHECK(of_one("latency_seconds_count", ",op=\"lookup\"") == 3);
    CHECK(of_one("failures_total", ",kind=\"wrong_hash\"") == 2);
    CHECK(scrape.samples.at("blossom_gw_hash_mismatch_total{upstream=\"up1.example:8080\"}") == 2);
    CHECK(scrape.samples.at("blossom_gw_map_entries") == 9);
    CHECK(scrape.samples.at("blossom_gw_replicas{copies=\"2\"}") == 9);
}
