#include "settings/keys.h"

#include <map>
#include <set>

#include <doctest/doctest.h>

#include "settings/configs.h"
#include "settings/reader.h"

using namespace espalier;
using namespace espalier::settings;

namespace {

using Samples = std::map<std::string_view, std::string_view>;

// For every key a value that is not its default, as the file has it and as it is shown.
const Samples kServerSamples{
    {"listen_addr", "[127.0.0.1:0, \"[::1]:80\"]"},
    {"base_url", "https://gateway.example"},
    {"trusted_proxies", "[10.0.0.0/8]"},
    {"max_connections", "100"},
    {"max_header_time", "5s"},
    {"idle_timeout", "1m30s"},
    {"client_min_rate", "2KiB"},
    {"shutdown_grace", "40s"},
    {"min_upload_servers", "1"},
    {"allow_lower_quorum", "true"},
    {"quorum_reply", "all"},
    {"quorum_linger", "1s"},
    {"success_status", "200"},
    {"nip94_urls", "fallback"},
    {"max_upload_size", "100MiB"},
    {"chunked_uploads", "reject"},
    {"dedupe_put", "skip"},
    {"verify_first_max", "64KiB"},
    {"upload.window", "4MiB"},
    {"min_upload_timeout", "1m"},
    {"max_upload_timeout", "1h"},
    {"upstream_mode", "proxy"},
    {"redirect_strategy", "health_based"},
    {"download_redirect_strategy", "priority"},
    {"redirect_status", "302"},
    {"proxy_when_needed", "false"},
    {"uncertain_read", "404"},
    {"hedge_delay", "50ms"},
    {"lookup_timeout", "2s"},
    {"cache_ttl", "1h"},
    {"cache_max_size", "5000"},
    {"negative_ttl", "1s"},
    {"negative_max_size", "10"},
    {"map_verify_after", "20s"},
    {"map_save_interval", "5m"},
    {"hints", "public"},
    {"hint_hosts", "[cdn.example, other.example:8443]"},
    {"rates.ip_requests", "100"},
    {"rates.ip_bytes", "1GiB"},
    {"rates.pubkey_requests", "100"},
    {"rates.pubkey_bytes", "1GiB"},
    {"mirror_private_origins", "true"},
    {"list_timeout", "2s"},
    {"list_upstream_max_bytes", "1MiB"},
    {"delete_quorum", "any"},
    {"tombstone_ttl", "7d"},
    {"repair_interval", "1m"},
    {"replicas_target", "2"},
    {"repair_bandwidth", "1MiB"},
    {"service_key", "file:/run/espalier.key"},
    {"log.instant", "true"},
    {"admin.token", "file:/run/espalier.token"},
    {"auth.writes", "forward"},
    {"allowed_pubkeys", "[7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e]"},
    {"require_x", "strict"},
    {"accept_server_tags", "own"},
    {"timeout", "10s"},
    {"stall_timeout", "20s"},
    {"max_retries", "0"},
    {"max_failures", "1"},
    {"refusal_ttl", "10m"},
    {"probe_interval", "1s"},
    {"probe_interval_after_fault", "200ms"},
    {"probe_timeout", "500ms"},
    {"capability_probe", "false"},
    {"max_goroutines", "128"},
    {"max_memory_bytes", "1GiB"},
    {"buffers_max", "64MiB"},
    {"spool_dir", "/tmp"},
    {"spool_max_bytes", "1GiB"},
    {"ledger_path", "/data/ledger.db"},
    {"log.level", "debug"},
    {"log.format", "json"},
};

const Samples kUpstreamSamples{
    {"url", "https://other.example"},
    {"priority", "7"},
    {"connect_to", "10.0.0.7:9000"},
    {"tls_verify", "false"},
    {"supports_mirror", "true"},
    {"supports_upload_head", "false"},
    {"mode", "ro"},
    {"required", "true"},
    {"quota_bytes", "1GiB"},
    {"rate_up", "1MiB"},
    {"rate_down", "2MiB"},
    {"weight", "3"},
    {"pubkeys", "[7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e]"},
    {"max_bytes", "1MiB"},
    {"mime_allow", "[image/png, image/*]"},
    {"mime_deny", "[video/mp4]"},
    {"max_inflight", "8"},
    {"auth", "none"},
    {"auth_encoding", "url"},
    {"server_tag_match", "any"},
    {"max_token_age", "3m"},
};

template <class Owner>
void check_each_key(const Samples& samples) {
    const auto keys = keys_of<Owner>();
    CHECK(keys.size() == samples.size());
    for (const auto& key : keys) {
        CAPTURE(key.name);
        const auto sample = samples.find(key.name);
        REQUIRE(sample != samples.end());
        const auto document =
            parse_document(std::string(key.name) + ": " + std::string(sample->second) + "\n");
        REQUIRE(document);
        Owner owner;
        Report report("sample");
        const auto lines = read_map(*document, {.path = "", .lenient = false}, owner, report);
        CHECK(report.problems() == std::vector<std::string>{});
        CHECK(lines.contains(key.name));
        CHECK(owner != Owner{});
        CHECK(key.show(owner) == sample->second);
    }
}

template <class Owner>
void check_texts() {
    std::set<std::string_view> names;
    for (const auto& key : keys_of<Owner>()) {
        CAPTURE(key.name);
        CHECK(names.insert(key.name).second);
        CHECK((key.alias.empty() || names.insert(key.alias).second));
        CHECK(key.meaning.ends_with('.'));
        CHECK(!key.type.empty());
        CHECK(!key.default_text().empty());
    }
}

}  // namespace

TEST_CASE("each key of the server changes its setting and shows what it read") {
    check_each_key<Settings>(kServerSamples);
}

TEST_CASE("hedge_delay is a duration within a day, or the word auto") {
    using Delay = Codec<OrAuto<base::Milliseconds>>;
    CHECK_FALSE(Delay::read("auto")->value);
    CHECK(Delay::show({}) == "auto");
    CHECK(Delay::read("2s")->value == base::Seconds(2));
    CHECK_FALSE(Delay::read("soon"));
    const auto check = if_given(at_least(base::Milliseconds(5)));
    CHECK(check({}).empty());
    CHECK_FALSE(check({base::Milliseconds(4)}).empty());
}

TEST_CASE("each key of an upstream changes its setting and shows what it read") {
    check_each_key<UpstreamSettings>(kUpstreamSamples);
}

TEST_CASE("each key has one name, a type, a default and a sentence") {
    check_texts<Settings>();
    check_texts<UpstreamSettings>();
}

TEST_CASE("a key that exists is not announced for later") {
    for (const auto& key : keys_of<Settings>()) CHECK(!is_later_name("server", key.name));
    for (const auto& key : keys_of<UpstreamSettings>()) {
        CHECK(!is_later_name("upstream_servers", key.name));
    }
}

TEST_CASE("the Go original's keys have its defaults") {
    std::map<std::string_view, std::string> defaults;
    for (const auto& key : keys_of<Settings>()) defaults[key.name] = key.default_text();
    const std::map<std::string_view, std::string> original{
        {"listen_addr", "[\":8080\"]"},
        {"min_upload_servers", "2"},
        {"redirect_strategy", "round_robin"},
        {"download_redirect_strategy", "\"\""},
        {"base_url", "\"\""},
        {"timeout", "30s"},
        {"min_upload_timeout", "5m"},
        {"max_upload_timeout", "30m"},
        {"max_retries", "3"},
        {"max_failures", "5"},
        {"max_goroutines", "1000"},
        {"max_memory_bytes", "512MiB"},
        {"cache_ttl", "5m"},
        {"cache_max_size", "1000"},
        {"allowed_pubkeys", "[]"},
    };
    for (const auto& [name, value] : original) {
        CAPTURE(name);
        CHECK(defaults[name] == value);
    }
}

TEST_CASE("our own keys have the defaults of the protocol sheet") {
    const Settings s;
    CHECK(s.quorum_reply == QuorumReply::early);
    CHECK(s.quorum_linger == base::Milliseconds(500));
    CHECK(s.success_status == SuccessStatus::spec);
    CHECK(s.nip94_urls == Nip94Urls::both);
    CHECK(s.redirect_status == RedirectStatus::temporary);
    CHECK(s.auth_writes == AuthWrites::required);
    CHECK(s.max_upload_size == 2147483648);
    CHECK(s.spool_dir == "/var/tmp");
    CHECK(s.spool_max_bytes == 8 * kGiB);
    CHECK(s.verify_first_max == 256 * kKiB);
    CHECK(s.stall_timeout == Seconds(30));
    CHECK(s.hedge_delay.value == base::Milliseconds(100));
    CHECK(s.lookup_timeout == Seconds(3));
    CHECK(s.negative_ttl == Seconds(10));
    CHECK(s.map_verify_after == Seconds(10));
    CHECK(s.shutdown_grace == Seconds(8));
    CHECK(s.accept_server_tags == AcceptServerTags::own_or_upstream);
    CHECK(s.max_connections == 20'000);
    CHECK(s.max_header_time == Seconds(10));
    CHECK(s.idle_timeout == Seconds(60));
    CHECK(!s.allow_lower_quorum);
}

TEST_CASE("the words of each choice read back as what they show") {
    for (const auto& word : kWords<Strategy>) {
        CHECK(Codec<Strategy>::read(word.text) == word.value);
        CHECK(Codec<Strategy>::show(word.value) == word.text);
    }
    CHECK(Codec<Tri>::read("on") == Tri::yes);
    CHECK(Codec<Tri>::read("auto") == Tri::automatic);
    CHECK(static_cast<int>(RedirectStatus::permanent) == 308);
}
