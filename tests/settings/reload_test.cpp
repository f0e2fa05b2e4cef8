// Which keys may change while the gateway runs.
#include "settings/reload.h"

#include <doctest/doctest.h>

using namespace espalier;
using settings::keys_that_need_a_restart;
using settings::Settings;
using Names = std::vector<std::string_view>;

TEST_CASE("upstreams, limits, tokens and rates may change while it runs") {
    const Settings before;
    Settings after;
    after.upstreams.push_back({.url = "https://new.example"});
    after.max_upload_size = 1;
    after.allowed_pubkeys = {"x"};
    after.min_upload_servers = 1;
    after.rates_ip_requests = 5;
    after.base_url = "https://gateway.example";
    CHECK(keys_that_need_a_restart(before, after) == Names{});
}

TEST_CASE("what is read at the start only is named") {
    const Settings before;
    Settings after;
    after.listen_addr = {"127.0.0.1:1"};
    after.ledger_path = "/elsewhere";
    after.max_failures = 17;
    CHECK(keys_that_need_a_restart(before, after) ==
          Names{"listen_addr", "max_failures", "ledger_path"});
    CHECK(keys_that_need_a_restart(after, after).empty());
}
