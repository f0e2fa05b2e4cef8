#include "settings/rules.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "settings/configs.h"

using namespace espalier;
using namespace espalier::settings;
using test::problems_of;
using test::with_server;
using test::with_upstream;

TEST_CASE("fewer upstreams than the quorum are refused") {
    CHECK(problems_of(with_server("  min_upload_servers: 3\n")) ==
          "config.yaml:1: upstream_servers: has 2, but min_upload_servers is 3");
    CHECK(problems_of(with_server("  min_upload_servers: 2\n")) == "");
}

TEST_CASE("too few upstreams that take writes are worth a warning") {
    const auto loaded = parse(
        "upstream_servers:\n  - url: https://one.example\n    mode: ro\n"
        "  - url: https://two.example\n",
        "config.yaml");
    REQUIRE(loaded);
    REQUIRE(loaded->warnings.size() == 1);
    CHECK(loaded->warnings[0] ==
          "config.yaml:1: upstream_servers: only 1 with mode rw, but min_upload_servers is 2: "
          "every upload will be refused");
}

TEST_CASE("more than 64 upstreams are refused") {
    std::string config = "upstream_servers:\n";
    for (int i = 0; i < 65; ++i) config += "  - url: https://u" + std::to_string(i) + ".example\n";
    CHECK(problems_of(config) == "config.yaml:1: upstream_servers: has more than 64 entries");
}

TEST_CASE("the same upstream twice is refused, however it is spelt") {
    for (const auto* again : {"https://one.example", "https://ONE.example", "https://one.example/",
                              "https://one.example:443"}) {
        CAPTURE(again);
        CHECK(problems_of(std::string(test::kTwoUpstreams) + "  - url: " + again + "\n") ==
              "config.yaml:4: upstream_servers.url: the same server as in line 2");
    }
    for (const auto* other : {"http://one.example", "https://one.example:444"}) {
        CAPTURE(other);
        CHECK(problems_of(std::string(test::kTwoUpstreams) + "  - url: " + other + "\n") == "");
    }
}

TEST_CASE("an upstream without a url is refused") {
    CHECK(problems_of(std::string(test::kTwoUpstreams) + "  - priority: 3\n") ==
          "config.yaml:4: upstream_servers.url: is missing");
}

TEST_CASE("a server that sees no token is worth a warning unless we know who may write") {
    const auto warnings = [](std::string_view server) {
        const auto loaded =
            parse(with_upstream("    auth: none\n") + std::string(server), "config.yaml");
        return loaded ? loaded->warnings : std::vector{loaded.error().reason};
    };
    const std::string allowed = base::text("  allowed_pubkeys: [", std::string(64, '7'), "]\n");
    CHECK(warnings(allowed).empty());
    REQUIRE(warnings("").size() == 1);
    CHECK(warnings("")[0] ==
          "config.yaml:3: upstream_servers.auth: none without allowed_pubkeys: anybody may delete "
          "anything there");
    CHECK(warnings(allowed + "  auth.writes: forward\n").empty());
}

TEST_CASE("there must be an address to listen on") {
    CHECK(problems_of(with_server("  listen_addr: []\n")) ==
          "config.yaml:5: server.listen_addr: must name an address");
}

TEST_CASE("upload timeouts must leave room between them") {
    CHECK(problems_of(with_server("  max_upload_timeout: 1m\n  min_upload_timeout: 2m\n")) ==
          "config.yaml:6: server.min_upload_timeout: is longer than max_upload_timeout (1m)");
}

TEST_CASE("the window must fit into the buffers, and verified bodies into the window") {
    CHECK(problems_of(with_server("  buffers_max: 16MiB\n  upload.window: 17MiB\n")) ==
          "config.yaml:6: server.upload.window: is larger than buffers_max (16MiB)");
    CHECK(problems_of(with_server("  verify_first_max: 9MiB\n")) ==
          "config.yaml:5: server.verify_first_max: is larger than upload.window (8MiB)");
}

TEST_CASE("buffers and maps must fit into 80 % of the memory") {
    CHECK(problems_of(with_server("  buffers_max: 420MiB\n")).find("server.max_memory_bytes") !=
          std::string::npos);
    CHECK(problems_of(with_server("  cache_max_size: 3000000\n"))
              .starts_with("config.yaml:4: server.max_memory_bytes: 80 % of it (429496728 bytes) "
                           "must hold buffers_max (214748364) and the maps"));
    CHECK(problems_of(with_server("  cache_max_size: 3000000\n  max_memory_bytes: 2GiB\n")) == "");
}

TEST_CASE("the buffers' default follows max_memory_bytes") {
    const auto loaded = parse(with_server("  max_memory_bytes: 100MiB\n"), "c");
    REQUIRE(loaded);
    CHECK(loaded->settings.buffers_max == 40 * kMiB);
    const auto given =
        parse(with_server("  max_memory_bytes: 100MiB\n  buffers_max: 30MiB\n"), "c");
    REQUIRE(given);
    CHECK(given->settings.buffers_max == 30 * kMiB);
}

TEST_CASE("workers are what the threads leave, at most 512") {
    Settings settings;
    CHECK(settings.workers_max() == 512);
    settings.max_goroutines = 128;
    CHECK(settings.workers_max() == 64);
}
