// How the gateway is, in a word and in a sentence.
#include "metrics/condition.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "metrics/stats.h"

using namespace espalier;
using metrics::Condition;
using metrics::State;

namespace {

Condition well() {
    Condition now{.upstreams = std::vector<fleet::UpstreamSnapshot>(3),
                  .min_upload_servers = 2,
                  .vitals = {.memory_bytes = 1, .threads = 1},
                  .memory_bytes_max = 100,
                  .threads_max = 100,
                  .version = {}};
    for (std::size_t i = 0; i < 3; ++i) now.upstreams[i].host = "up" + std::to_string(i);
    return now;
}

}  // namespace

TEST_CASE("all is well when every server is and every copy is there") {
    CHECK(well().state() == State::ok);
    CHECK(well().state_in_words() == "All 3 servers are well; an upload counts when 2 have it.");
}

TEST_CASE("a server that is not well, or a copy that is missing, degrades it, by name") {
    auto now = well();
    now.upstreams[1].suspect = true;
    CHECK(now.state() == State::degraded);
    CHECK(now.state_in_words() == "Uploads and downloads work. up1 is suspect.");
    now.upstreams[2].healthy = false;
    CHECK(now.state_in_words() == "Uploads and downloads work. up1 is suspect, up2 is unhealthy.");
    now = well();
    now.replication.missing = 1;
    CHECK(now.state() == State::degraded);
    CHECK(now.state_in_words() == "Uploads and downloads work. 1 copy is still to be brought.");
    now = well();
    now.disk_writable = false;
    CHECK(now.state() == State::degraded);
}

TEST_CASE("with too few servers it reads only, with none it is down") {
    auto now = well();
    now.upstreams[0].healthy = now.upstreams[1].healthy = false;
    CHECK(now.state() == State::reads_only);
    CHECK(now.state_in_words() ==
          "Downloads work, uploads may fail: they need 2 servers, and 1 of 3 is healthy.");
    now.upstreams[2].healthy = false;
    CHECK(now.state() == State::down);
}

TEST_CASE("a limit that is reached is said, and so is the end") {
    auto now = well();
    now.vitals.memory_bytes = 100;
    CHECK(now.state() == State::over_limit);
    CHECK(now.state_in_words().find("memory") != std::string::npos);
    now = well();
    now.vitals.threads = 100;
    CHECK(now.state_in_words().find("threads") != std::string::npos);
    now.draining = true;
    CHECK(now.state() == State::draining);
}

TEST_CASE("/stats tells of copies, repairs, reads and refusals") {
    auto now = well();
    now.now = 2000;
    now.replication.copies[1] = 4;
    now.replication.copies[3] = 5;
    now.replication.missing = 2;
    now.replication.oldest_missing = 1900;
    now.replication.repairs.ended[1] = 6;
    now.reads = {.map_hits = 7, .redirects = 8};
    now.refusals = {{"expired", 3}, {"wrong_t", 0}};
    now.upstreams[0].failures[0] = 9;
    now.upstreams[0].url = "http://up0";
    const auto json = nlohmann::json::parse(stats_json(now), nullptr, false);
    CHECK(json["state"] == "degraded");
    CHECK(json["replication"]["blobs_by_copies"] == nlohmann::json{0, 4, 0, 5});
    CHECK(json["replication"]["missing_copies"] == 2);
    CHECK(json["replication"]["oldest_missing_seconds"] == 100);
    CHECK(json["replication"]["repairs"]["mirrored"] == 6);
    CHECK(json["reads"]["map_hits"] == 7);
    CHECK(json["reads"]["redirects"] == 8);
    CHECK(json["auth_refusals"] == nlohmann::json{{"expired", 3}});
    CHECK(json["servers"]["http://up0"]["failures"] == nlohmann::json{{"401", 9}});
    CHECK(json["servers"]["http://up0"]["state"] == "healthy");
}
