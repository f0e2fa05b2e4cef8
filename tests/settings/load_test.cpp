#include "settings/load.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "settings/configs.h"

using namespace espalier;
using namespace espalier::settings;
using test::environment;
using test::problems_of;
using test::with_server;
using test::with_upstream;

namespace {

constexpr std::string_view kNpub =
    "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";

std::string ledger_of(std::map<std::string, std::string, std::less<>> variables) {
    return ledger_file(Settings{}, environment(std::move(variables)));
}

}  // namespace

TEST_CASE("two upstreams and nothing else are a configuration") {
    const auto loaded = parse(test::kTwoUpstreams, "config.yaml");
    REQUIRE(loaded);
    CHECK(loaded->warnings.empty());
    REQUIRE(loaded->settings.upstreams.size() == 2);
    CHECK(loaded->settings.upstreams[1].url == "https://two.example");
}

TEST_CASE("an unknown key is refused with file, line and the nearest right name") {
    CHECK(problems_of(with_server("  min_upload_server: 2\n")) ==
          "config.yaml:5: server.min_upload_server: unknown key; did you mean "
          "`min_upload_servers`?");
    CHECK(problems_of(with_upstream("    prioriti: 1\n")) ==
          "config.yaml:3: upstream_servers.prioriti: unknown key; did you mean `priority`?");
    CHECK(problems_of(std::string(test::kTwoUpstreams) + "servers: {}\n") ==
          "config.yaml:4: servers: unknown key; did you mean `server`?");
    CHECK(problems_of(with_server("  zzzzzz: 2\n")) == "config.yaml:5: server.zzzzzz: unknown key");
}

TEST_CASE("a key in the wrong place is told where it belongs") {
    CHECK(problems_of(std::string(test::kTwoUpstreams) + "min_upload_servers: 2\n") ==
          "config.yaml:4: min_upload_servers: belongs under `server:`");
    CHECK(problems_of(with_server("  tls_verify: false\n")) ==
          "config.yaml:5: server.tls_verify: belongs under each entry of `upstream_servers:`");
    CHECK(problems_of(with_server("  upstream_servers: []\n")) ==
          "config.yaml:5: server.upstream_servers: belongs at the top of the file, not indented");
}

TEST_CASE("a key that later versions take is refused as such") {
    CHECK(problems_of(with_server("  cache_dir: /x\n")) ==
          "config.yaml:5: server.cache_dir: known, but not available in this version yet");
    CHECK(problems_of(with_server("  cache: {dir: /x}\n"))
              .ends_with("server.cache: known, but not available in this version yet"));
    for (const auto* line : {"list_support: no", "host_header: inner.example"}) {
        CAPTURE(line);
        CHECK(problems_of(with_upstream(base::text("    ", line, "\n")))
                  .ends_with("known, but not available in this version yet"));
    }
}

TEST_CASE("lenient: unknown and later keys are warnings, everything else stays an error") {
    const LoadOptions lenient{.lenient = true, .environment = {}};
    const auto loaded =
        parse(with_server("  tmieout: 2\n  cache_dir: /x\n"), "config.yaml", lenient);
    REQUIRE(loaded);
    REQUIRE(loaded->warnings.size() == 2);
    CHECK(loaded->warnings[0] ==
          "config.yaml:5: server.tmieout: unknown key; did you mean `timeout`?; ignored");
    CHECK(loaded->warnings[1].starts_with("config.yaml:6: server.cache_dir: known"));
    CHECK(!problems_of(with_server("  timeout: soon\n"), lenient).empty());
}

TEST_CASE("a key given twice is refused with both lines") {
    CHECK(problems_of(with_server("  timeout: 1s\n  max_retries: 1\n  timeout: 2s\n")) ==
          "config.yaml:7: server.timeout: given twice, first in line 5");
    CHECK(problems_of(with_server("  auth: {writes: forward}\n  auth.writes: forward\n")) ==
          "config.yaml:6: server.auth.writes: given twice, first in line 5");
    CHECK(problems_of(with_upstream("    connect_to: a:1\n    alternative_address: b:1\n")) ==
          "config.yaml:4: upstream_servers.alternative_address: given twice, first in line 3");
    CHECK(problems_of(std::string(test::kTwoUpstreams) + "server: {}\nserver: {}\n") ==
          "config.yaml:5: server: given twice, first in line 4");
}

TEST_CASE("a bad value is told with the allowed ones") {
    CHECK(problems_of(with_server("  redirect_strategy: roundrobin\n")) ==
          "config.yaml:5: server.redirect_strategy: `roundrobin` is not one of round_robin | "
          "random | health_based | priority | fastest | local; did you mean `round_robin`?");
    CHECK(problems_of(with_server("  redirect_status: 301\n")) ==
          "config.yaml:5: server.redirect_status: `301` is not one of 302 | 307 | 308; did you "
          "mean `302`?");
    CHECK(problems_of(with_server("  timeout: 30\n")).find("its unit is missing") !=
          std::string::npos);
    CHECK(problems_of(with_server("  max_goroutines: 127\n")) ==
          "config.yaml:5: server.max_goroutines: must be between 128 and 100000");
    CHECK(problems_of(with_server("  max_retries: [3]\n")) ==
          "config.yaml:5: server.max_retries: must be a single value");
}

TEST_CASE("a value that later versions take is refused as such") {
    for (const auto* line : {"  upstream_mode: redirect_and_cache\n"}) {
        CAPTURE(line);
        CHECK(problems_of(with_server(line))
                  .ends_with("is known, but not available in this version yet"));
    }
}

TEST_CASE("a server that knows the service key alone needs one, and a required one takes uploads") {
    CHECK(problems_of(with_upstream("    auth: service_key\n"))
              .ends_with("auth: service_key needs server.service_key"));
    CHECK(problems_of(with_upstream("    mode: ro\n    required: true\n"))
              .ends_with("required: no upload can succeed: its mode is not rw"));
}

TEST_CASE("all problems are told at once, in the order of their lines") {
    const auto problems = problems_of(
        "server:\n  timeout: x\n  bogus: 1\nupstream_servers:\n  - url: ftp://one.example\n"
        "    max_bytes: many\n");
    CAPTURE(problems);
    const auto at = [&](std::string_view text) { return problems.find(text); };
    CHECK(at("config.yaml:2: server.timeout: ") == 0);
    CHECK(at("\nconfig.yaml:3: server.bogus: ") != std::string::npos);
    CHECK(at("\nconfig.yaml:4: upstream_servers: has 1, but min_upload_servers is 2") !=
          std::string::npos);
    CHECK(at("\nconfig.yaml:5: upstream_servers.url: ") > at("\nconfig.yaml:4: "));
    CHECK(at("\nconfig.yaml:6: upstream_servers.max_bytes: ") > at("\nconfig.yaml:5: "));
}

TEST_CASE("the file's shape is checked") {
    CHECK(problems_of("- a\n").starts_with("config.yaml:1: expected `upstream_servers:`"));
    CHECK(problems_of("upstream_servers: https://one.example\n").find("must be a list") !=
          std::string::npos);
    CHECK(problems_of("upstream_servers:\n  - https://one.example\n").find("must have a `url:`") !=
          std::string::npos);
    CHECK(problems_of(std::string(test::kTwoUpstreams) + "server: 8080\n") ==
          "config.yaml:4: server: must hold keys, one per line");
    CHECK(problems_of("a: [\n").find("not valid YAML") != std::string::npos);
    CHECK(problems_of("").find("upstream_servers: has 0") != std::string::npos);
}

TEST_CASE("dotted keys may be nested or spelt with the dot") {
    for (const auto* lines : {"  auth: {writes: forward}\n  upload: {window: 1MiB}\n",
                              "  auth.writes: forward\n  upload.window: 1MiB\n",
                              "  auth:\n    writes: forward\n  upload:\n    window: 1MiB\n"}) {
        CAPTURE(lines);
        const auto loaded = parse(with_server(lines), "config.yaml");
        REQUIRE(loaded);
        CHECK(loaded->settings.auth_writes == AuthWrites::forward);
        CHECK(loaded->settings.upload_window == 1024 * 1024);
    }
    CHECK(problems_of(with_server("  auth: {write: forward}\n")) ==
          "config.yaml:5: server.auth.write: unknown key; did you mean `auth.writes`?");
    CHECK(problems_of(with_server("  auth: forward\n")) ==
          "config.yaml:5: server.auth: holds keys, such as `auth.writes`");
    CHECK(problems_of(with_server("  log: [debug]\n")) ==
          "config.yaml:5: server.log: holds keys, such as `log.level`");
}

TEST_CASE("a key without a value keeps its default") {
    const auto loaded =
        parse(with_server("  timeout:\n  allowed_pubkeys:\n  log:\n  buffers_max:\n"), "c");
    REQUIRE(loaded);
    Settings expected;
    expected.upstreams = loaded->settings.upstreams;
    expected.ledger_path = loaded->settings.ledger_path;
    CHECK(loaded->settings == expected);
}

TEST_CASE("a bad allowlist entry is an error with its own line, never dropped") {
    const auto config = with_server("  allowed_pubkeys:\n    - " + std::string(kNpub) +
                                    "\n    - npub1nonsense\n    - 12ab\n");
    const auto problems = problems_of(config);
    CAPTURE(problems);
    CHECK(problems.starts_with("config.yaml:7: server.allowed_pubkeys: not a public key"));
    CHECK(problems.find("\nconfig.yaml:8: server.allowed_pubkeys: not a public key") !=
          std::string::npos);
}

TEST_CASE("allowlist entries may be hex or npub") {
    constexpr std::string_view kHex =
        "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
    const auto loaded = parse(
        with_server("  allowed_pubkeys: [" + std::string(kNpub) + ", " + std::string(kHex) + "]\n"),
        "config.yaml");
    REQUIRE(loaded);
    CHECK(loaded->settings.allowed_pubkeys ==
          std::vector<std::string>{std::string(kNpub), std::string(kHex)});
}

TEST_CASE("a secret key in the allowlist is refused without being repeated") {
    const std::string nsec = "nsec10allcy4gya60fljfmz4sjdnqrxrxsd0yaerpd7s9dddmyth3qaqs0yr2mn";
    const auto problems = problems_of(with_server("  allowed_pubkeys: [" + nsec + "]\n"));
    CHECK(problems.starts_with("config.yaml:5: server.allowed_pubkeys: "));
    CHECK(problems.find(nsec) == std::string::npos);
}

TEST_CASE("listen_addr may be one address or several") {
    const auto one = parse(with_server("  listen_addr: \"127.0.0.1:0\"\n"), "c");
    REQUIRE(one);
    CHECK(one->settings.listen_addr == std::vector<std::string>{"127.0.0.1:0"});
    const auto two = parse(with_server("  listen_addr: [\":8080\", \"[::1]:7624\"]\n"), "c");
    REQUIRE(two);
    CHECK(two->settings.listen_addr.size() == 2);
    for (const auto* bad : {"8080", "localhost", ":70000", ":x", "a b:1", "[::1:80", "::1:80"}) {
        CAPTURE(bad);
        CHECK(!problems_of(with_server("  listen_addr: \"" + std::string(bad) + "\"\n")).empty());
    }
}

TEST_CASE("connect_to becomes host:port, with the url's port where none is given") {
    const auto connects_to = [](std::string_view written) {
        const auto loaded = parse(
            with_upstream("    alternative_address: \"" + std::string(written) + "\"\n"), "c");
        return loaded ? loaded->settings.upstreams[0].connect_to : loaded.error().reason;
    };
    CHECK(connects_to("10.0.0.7:9000") == "10.0.0.7:9000");
    CHECK(connects_to("10.0.0.7") == "10.0.0.7:443");
    CHECK(connects_to("[fd00::1]") == "[fd00::1]:443");
    CHECK(connects_to("[fd00::1]:9000") == "[fd00::1]:9000");
    CHECK(connects_to("https://inner.example:8443") == "inner.example:8443");
    CHECK(connects_to("https://inner.example") == "inner.example:443");
    CHECK(connects_to("http://inner.example").find("must have the url's scheme (https) or none") !=
          std::string::npos);
    CHECK(connects_to("inner:0").find("not an address") != std::string::npos);
    CHECK(connects_to("a/b").find("not an address") != std::string::npos);
}

TEST_CASE("trusted proxies are addresses or blocks") {
    CHECK(problems_of(with_server("  trusted_proxies: [10.0.0.0/8, \"::1\", 127.0.0.1]\n")) == "");
    for (const auto* bad : {"10.0.0.0/33", "10.0.0/8", "proxy.example", "10.0.0.1/", "\"\""}) {
        CAPTURE(bad);
        CHECK(!problems_of(with_server("  trusted_proxies: [" + std::string(bad) + "]\n")).empty());
    }
}

TEST_CASE("bad upstream URLs are refused, and a password in one is not repeated") {
    for (const auto* bad : {"one.example", "ftp://one.example", "https://", "https://a b", "\"\"",
                            "https://one.example/?q=1", "https://u:pa55word@one.example"}) {
        CAPTURE(bad);
        const auto problems = problems_of("upstream_servers:\n  - url: " + std::string(bad) +
                                          "\nserver: {min_upload_servers: 1}\n");
        CHECK(problems.starts_with("config.yaml:2: upstream_servers.url: "));
        CHECK(problems.find("pa55word") == std::string::npos);
    }
}

TEST_CASE("UPSTREAM_MODE=redirect brings the status codes of its original") {
    const LoadOptions options{.environment = environment({{"UPSTREAM_MODE", "redirect"}})};
    const auto loaded = parse(test::kTwoUpstreams, "c", options);
    REQUIRE(loaded);
    CHECK(loaded->settings.upstream_mode == UpstreamMode::redirect);
    CHECK(loaded->settings.redirect_status == RedirectStatus::found);
    CHECK(loaded->settings.uncertain_read == UncertainRead::not_found);
}

TEST_CASE("what the file says of status codes goes before what UPSTREAM_MODE implies") {
    const LoadOptions options{.environment = environment({{"UPSTREAM_MODE", "redirect"}})};
    const auto loaded =
        parse(with_server("  redirect_status: 308\n  uncertain_read: 502\n"), "c", options);
    REQUIRE(loaded);
    CHECK(loaded->settings.redirect_status == RedirectStatus::permanent);
    CHECK(loaded->settings.uncertain_read == UncertainRead::bad_gateway);
}

TEST_CASE("upstream_mode in the file leaves the status codes alone") {
    const auto loaded = parse(with_server("  upstream_mode: redirect\n"), "c");
    REQUIRE(loaded);
    CHECK(loaded->settings.redirect_status == RedirectStatus::temporary);
    CHECK(loaded->settings.uncertain_read == UncertainRead::bad_gateway);
}

TEST_CASE("a bad UPSTREAM_MODE is refused beside the problems of the file") {
    const auto mode = [](std::string_view value) {
        return LoadOptions{.environment = environment({{"UPSTREAM_MODE", std::string(value)}})};
    };
    CHECK(problems_of(test::kTwoUpstreams, mode("redirect_and_cache")) ==
          "environment: UPSTREAM_MODE: `redirect_and_cache` is known, but not available in this "
          "version yet");
    CHECK(problems_of(with_server("  bogus: 1\n"), mode("redirct")) ==
          "environment: UPSTREAM_MODE: `redirct` is not one of redirect | proxy; did you mean "
          "`redirect`?\nconfig.yaml:5: server.bogus: unknown key");
    CHECK(problems_of(test::kTwoUpstreams, mode("")) == "");
}

TEST_CASE("a file that is not there is told by name") {
    const auto loaded = load("/nonexistent/config.yaml");
    REQUIRE(!loaded);
    CHECK(loaded.error().kind == base::ErrorKind::missing);
    CHECK(loaded.error().reason ==
          "/nonexistent/config.yaml: cannot be read: No such file or directory");
    CHECK(load("/").error().kind == base::ErrorKind::storage);
}

TEST_CASE("the ledger lies where it is told, or in the first state folder there is") {
    Settings told;
    told.ledger_path = "/data/my.db";
    CHECK(ledger_file(told, environment({{"STATE_DIRECTORY", "/a"}})) == "/data/my.db");
    CHECK(ledger_of({{"STATE_DIRECTORY", "/a:/b"}, {"HOME", "/h"}}) == "/a/espalier.db");
    CHECK(ledger_of({{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}) == "/x/espalier/espalier.db");
    CHECK(ledger_of({{"HOME", "/h"}}) == "/h/.local/state/espalier/espalier.db");
    CHECK(ledger_of({}) == "/var/tmp/espalier.db");
    const auto loaded =
        parse(test::kTwoUpstreams, "c", {.environment = environment({{"HOME", "/h"}})});
    REQUIRE(loaded);
    CHECK(loaded->settings.ledger_path == "/h/.local/state/espalier/espalier.db");
}
