// What /health and /stats say (sheet B.4, F.2).
#include "metrics/health.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "metrics/stats.h"

using namespace espalier;
using fleet::Op;
using metrics::Condition;
using Json = nlohmann::json;

namespace {

fleet::UpstreamSnapshot upstream(int number) {
    fleet::UpstreamSnapshot one;
    one.id = static_cast<fleet::UpstreamId>(number);
    one.host = "up" + std::to_string(number) + ".example";
    one.url = "https://" + one.host;
    return one;
}

// Three servers, of which the last is unhealthy, and all is well besides.
Condition condition() {
    Condition now{.upstreams = {upstream(0), upstream(1), upstream(2)},
                  .min_upload_servers = 2,
                  .vitals = {.memory_bytes = 50, .threads = 20},
                  .memory_bytes_max = 100,
                  .threads_max = 1000,
                  .now = 784'112'000,
                  .uptime_seconds = 60,
                  .version = "1.2.3",
                  .replication = {.missing = 4}};
    auto& ill = now.upstreams[2];
    ill.healthy = false;
    ill.consecutive_failures = 7;
    ill.last_failure = 784'111'777;
    ill.last_error = "it \"broke\" <badly> & \xff";
    auto& busy = now.upstreams[0];
    const auto set = [&](Op op, std::uint64_t success, std::uint64_t failure) {
        busy.tallies[static_cast<std::size_t>(op)] = {success, failure};
    };
    set(Op::upload, 10, 1);
    set(Op::download, 20, 2);
    set(Op::mirror, 30, 3);
    set(Op::remove, 40, 4);
    set(Op::list, 50, 5);
    set(Op::lookup, 900, 900);
    busy.last_success = 784'111'778;
    now.upstreams[1].tallies[static_cast<std::size_t>(Op::upload)] = {5, 6};
    return now;
}

Json health(const Condition& now) {
    return Json::parse(health_json(now), nullptr, false);
}
Json stats(const Condition& now) {
    return Json::parse(stats_json(now), nullptr, false);
}

}  // namespace

TEST_CASE(
    "health is lost by too few servers, full memory or too many threads, and by nothing else") {
    CHECK(condition().healthy());
    auto now = condition();
    now.min_upload_servers = 3;
    CHECK_FALSE(now.healthy());
    now = condition();
    now.vitals.memory_bytes = 100;
    CHECK_FALSE(now.healthy());
    now = condition();
    now.vitals.threads = 1000;
    CHECK_FALSE(now.healthy());
    now = condition();
    now.draining = true;
    now.disk_writable = false;
    now.replication.missing = 1'000'000;
    for (auto& one : now.upstreams) one.suspect = one.paused = true;
    CHECK(now.healthy());
}

TEST_CASE("/health has the Go original's fields, names unchanged") {
    const auto json = health(condition());
    REQUIRE(json.is_object());
    CHECK(json["healthy"] == true);
    CHECK(json["healthy_count"] == 2);
    CHECK(json["min_upload_servers"] == 2);
    CHECK(json["memory"]["bytes"] == 50);
    CHECK(json["memory"]["max"] == 100);
    CHECK(json["goroutines"]["count"] == 20);
    CHECK(json["goroutines"]["max"] == 1000);
    CHECK(json["threads"] == json["goroutines"]);
    REQUIRE(json["servers"].size() == 3);
    CHECK(json["servers"]["https://up0.example"]["healthy"] == true);
    CHECK(json["servers"]["https://up2.example"]["healthy"] == false);
    CHECK(json["servers"]["https://up2.example"]["consecutive_failures"] == 7);
}

TEST_CASE("/health says what is wrong") {
    auto now = condition();
    now.vitals.memory_bytes = 101;
    auto json = health(now);
    CHECK(json["healthy"] == false);
    CHECK(json["memory"]["healthy"] == false);
    CHECK(json["threads"]["healthy"] == true);
}

TEST_CASE("/stats has the Go original's fields, names unchanged") {
    const auto json = stats(condition());
    REQUIRE(json.is_object());
    const auto& one = json["servers"]["https://up0.example"];
    CHECK(one["url"] == "https://up0.example");
    CHECK(one["uploads_success"] == 10);
    CHECK(one["uploads_failure"] == 1);
    CHECK(one["downloads"] == 20);
    CHECK(one["mirrors_success"] == 30);
    CHECK(one["mirrors_failure"] == 3);
    CHECK(one["deletes_success"] == 40);
    CHECK(one["deletes_failure"] == 4);
    CHECK(one["lists_success"] == 50);
    CHECK(one["lists_failure"] == 5);
    CHECK(one["consecutive_failures"] == 0);
    CHECK(one["is_healthy"] == true);
    CHECK(json["memory"] == Json{{"bytes", 50}, {"max", 100}});
    CHECK(json["goroutines"] == Json{{"count", 20}, {"max", 1000}});
    CHECK(json["healthy_count"] == 2);
    CHECK(json["total_servers"] == 3);
}

TEST_CASE("the times of the last failure and success are there once there was one") {
    const auto servers = stats(condition())["servers"];
    const auto& ill = servers["https://up2.example"];
    CHECK(ill["last_failure_time"] == "1994-11-06T08:49:37Z");
    CHECK_FALSE(ill.contains("last_success_time"));
    CHECK(servers["https://up0.example"]["last_success_time"] == "1994-11-06T08:49:38Z");
    CHECK_FALSE(servers["https://up1.example"].contains("last_failure_time"));
}

TEST_CASE("totals are the sums over all servers") {
    const auto totals = stats(condition())["totals"];
    CHECK(totals["uploads_success"] == 15);
    CHECK(totals["uploads_failure"] == 7);
    CHECK(totals["downloads"] == 20);
    CHECK(totals["deletes_success"] == 40);
    auto nobody = condition();
    nobody.upstreams.clear();
    CHECK(stats(nobody)["totals"]["uploads_success"] == 0);
    CHECK(stats(nobody)["servers"].is_object());
    CHECK(health(nobody)["servers"].is_object());
}

TEST_CASE("new fields stand beside the old ones") {
    const auto json = stats(condition());
    CHECK(json["missing_replicas"] == 4);
    CHECK(json["uptime_seconds"] == 60);
    CHECK(json["version"] == "1.2.3");
    CHECK(json["servers"]["https://up2.example"]["last_error"].get<std::string>().starts_with(
        "it \"broke\""));
}

TEST_CASE("how a server did lately is told, and what is not known yet is null or absent") {
    auto now = condition();
    now.upstreams[0].recent = {
        .lookups = {.count = 7, .p50 = base::Milliseconds{3}, .p95 = base::Milliseconds{90}},
        .uploads = {},
        .last_5_minutes = {.success = 3, .failure = 1},
        .last_hour = {.success = 1, .failure = 1}};
    now.upstreams[0].probe_age = 4;
    const auto servers = stats(now)["servers"];
    const auto& known = servers["https://up0.example"];
    CHECK(known["lookup_ms"] == Json{{"count", 7}, {"p50", 3}, {"p95", 90}});
    CHECK(known["success_ratio_5m"] == 0.75);
    CHECK(known["success_ratio_1h"] == 0.5);
    CHECK(known["last_probe_seconds_ago"] == 4);
    const auto& fresh = servers["https://up1.example"];
    CHECK(fresh["upload_ms"]["count"] == 0);
    CHECK(fresh["success_ratio_5m"].is_null());
    CHECK_FALSE(fresh.contains("last_probe_seconds_ago"));
}

TEST_CASE("what a server refuses is told, as far as it is known") {
    auto now = condition();
    now.upstreams[0].refuses = {.bytes_from = 1000, .types = {"image/png"}};
    const auto servers = stats(now)["servers"];
    CHECK(servers["https://up0.example"]["refuses"] ==
          Json{{"bytes_from", 1000}, {"types", {"image/png"}}});
    CHECK(servers["https://up1.example"]["refuses"] == Json{{"types", Json::array()}});
}

TEST_CASE("what a server offers is told with where that is known from, and its clock's error") {
    auto now = condition();
    const auto offer = [&](fleet::Endpoint endpoint) -> fleet::Offering& {
        return now.upstreams[0].offers[static_cast<std::size_t>(endpoint)];
    };
    offer(fleet::Endpoint::mirror) = {{fleet::Capability::no, false}, true, 0};
    offer(fleet::Endpoint::list) = {{fleet::Capability::yes, true}, false, 784'111'777};
    now.upstreams[0].clock_skew = -3;
    const auto server = stats(now)["servers"]["https://up0.example"];
    CHECK(server["clock_skew_seconds"] == -3);
    const auto& shown = server["capabilities"];
    CHECK(shown["mirror"] == Json{{"offered", "no"}, {"source", "config"}});
    CHECK(shown["media"] == Json{{"offered", "unknown"}});
    CHECK(shown["list"] == Json{{"offered", "yes"},
                                {"source", "probed"},
                                {"probed_at", "1994-11-06T08:49:37Z"},
                                {"needs_token", true}});
}

TEST_CASE("the vital signs are the kernel's own figures of this process") {
    const auto vitals = metrics::read_vitals();
    CHECK(vitals.memory_bytes > 100'000);
    CHECK(vitals.threads >= 1);
    CHECK(metrics::count_open_files() >= 3);
    CHECK(vitals.cpu_seconds >= 0);
}
