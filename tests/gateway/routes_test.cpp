// Which path is what, and what is counted of it.
#include "gateway/routes.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "gateway/counters.h"

using namespace espalier;
using gateway::Counters;
using gateway::knows_method;
using gateway::Route;
using gateway::route_of;

namespace {

const std::string kHash(64, 'a');

std::string text_of(const Counters& counters) {
    metrics::Exposition out;
    counters.describe(out);
    return out.text();
}

bool has_line(const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("a path of 64 hex digits is a blob, whatever follows and however it is written") {
    for (const auto& path : {"/" + kHash, "/" + kHash + ".png", "/" + std::string(64, 'A'),
                             "/" + kHash + "x", "/" + kHash + "/more"})
        CHECK(route_of(path) == Route::blob);
}

TEST_CASE("shorter or other digits are no blob") {
    for (const auto& path : {"/" + kHash.substr(1), "/" + kHash.substr(1) + "g", kHash,
                             "//" + kHash, std::string("/blobs/") + kHash})
        CHECK(route_of(path) == Route::unknown);
}

TEST_CASE("the fixed paths are matched whole and by case") {
    CHECK(route_of("/upload") == Route::upload);
    CHECK(route_of("/report") == Route::report);
    CHECK(route_of("/info") == Route::info);
    CHECK(route_of("/") == Route::home);
    CHECK(route_of("/health") == Route::health);
    CHECK(route_of("/ready") == Route::ready);
    CHECK(route_of("/live") == Route::live);
    CHECK(route_of("/stats") == Route::stats);
    CHECK(route_of("/metrics") == Route::metrics);
    CHECK(route_of("/events") == Route::events);
    CHECK(route_of("/docs") == Route::docs);
    CHECK(route_of("/docs/operations") == Route::docs);
    CHECK(route_of("/assets/app.js") == Route::assets);
    CHECK(route_of("/admin") == Route::admin);
    CHECK(route_of("/admin/repair") == Route::admin);
    CHECK(route_of("/where/" + kHash) == Route::where);
    for (const auto* const path : {"", "/upload/", "/Upload", "/uploads", "/healthz", "/../health",
                                   "/x", "/docsx", "/administer", "/where", "/assets", "/events/"})
        CHECK(route_of(path) == Route::unknown);
}

TEST_CASE("whatever follows /list/ is a list, which says itself what is wrong with it") {
    for (const auto& path : {"/list/" + kHash, std::string("/list/"), std::string("/list/a/b")})
        CHECK(route_of(path) == Route::list);
    for (const auto* const path : {"/list", "/lists/", "/List/a"})
        CHECK(route_of(path) == Route::unknown);
}

TEST_CASE("each route knows its methods and OPTIONS, and none by a part of its name") {
    for (const auto* const method : {"GET", "HEAD", "DELETE", "OPTIONS"})
        CHECK(knows_method(Route::blob, method));
    CHECK_FALSE(knows_method(Route::blob, "PUT"));
    CHECK(knows_method(Route::upload, "PUT"));
    CHECK(knows_method(Route::upload, "HEAD"));
    CHECK_FALSE(knows_method(Route::upload, "GET"));
    CHECK_FALSE(knows_method(Route::upload, "POST"));
    CHECK(knows_method(Route::list, "HEAD"));
    CHECK(knows_method(Route::report, "PUT"));
    CHECK_FALSE(knows_method(Route::report, "GET"));
    CHECK(knows_method(Route::stats, "GET"));
    CHECK_FALSE(knows_method(Route::stats, "DELETE"));
    for (const auto* const method : {"", "GE", "GET,", "get", "HEAD, DELETE", "ET"})
        CHECK_FALSE(knows_method(Route::blob, method));
    CHECK_FALSE(knows_method(Route::unknown, "GET"));
}

TEST_CASE("every route has a template of its own for labels") {
    std::set<std::string_view> names;
    for (std::size_t route = 0; route < gateway::kRoutes; ++route)
        names.insert(name_of(static_cast<Route>(route)));
    CHECK(names.size() == gateway::kRoutes);
    CHECK(name_of(Route::blob) == "/<sha256>");
}

TEST_CASE("requests are counted by method, route template and code") {
    Counters counters;
    for (int i = 0; i < 3; ++i) counters.count_request("GET", Route::blob, 307);
    counters.count_request("PUT", Route::upload, 201);
    const auto text = text_of(counters);
    CHECK(has_line(text,
                   R"(blossom_gw_requests_total{method="GET",route="/<sha256>",code="307"} 3)"));
    CHECK(
        has_line(text, R"(blossom_gw_requests_total{method="PUT",route="/upload",code="201"} 1)"));
}

TEST_CASE("what clients make up does not become a label") {
    Counters counters;
    counters.count_request("BREW", Route::unknown, 299);
    counters.count_request(std::string(1000, 'X'), Route::unknown, -7);
    const auto text = text_of(counters);
    CHECK(
        has_line(text, R"(blossom_gw_requests_total{method="other",route="unknown",code="0"} 2)"));
    CHECK(text.find("BREW") == std::string::npos);
}

TEST_CASE("uploads, refusals and the map's luck are counted") {
    using enum Counters::Quorum;
    Counters counters;
    counters.count_upload(met);
    counters.count_upload(met);
    counters.count_upload(failed);
    counters.count_upload(aborted);
    counters.count_refusal(protocol::AuthRefusal::expired);
    counters.count_refusal(protocol::AuthRefusal::not_allowed);
    counters.count_map(true);
    counters.count_map(false);
    counters.count_map(false);
    const auto text = text_of(counters);
    CHECK(has_line(text, R"(blossom_gw_uploads_quorum_total{result="met"} 2)"));
    CHECK(has_line(text, R"(blossom_gw_uploads_quorum_total{result="failed"} 1)"));
    CHECK(has_line(text, R"(blossom_gw_uploads_quorum_total{result="aborted"} 1)"));
    CHECK(has_line(text, R"(blossom_gw_auth_rejects_total{reason="expired"} 1)"));
    CHECK(has_line(text, R"(blossom_gw_auth_rejects_total{reason="not_allowed"} 1)"));
    CHECK(has_line(text, R"(blossom_gw_auth_rejects_total{reason="missing"} 0)"));
    CHECK(has_line(text, "blossom_gw_map_hits_total 1"));
    CHECK(has_line(text, "blossom_gw_map_misses_total 2"));
}
