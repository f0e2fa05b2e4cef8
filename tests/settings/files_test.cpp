#include <fstream>
#include <iterator>
#include <sstream>

#include <doctest/doctest.h>

#include "settings/keys.h"
#include "settings/load.h"
#include "settings/reference.h"

using namespace espalier;
using namespace espalier::settings;

namespace {

const std::string kSource = ESPALIER_SOURCE_DIR;
const std::string kExample = kSource + "/config/config.example.yaml";

std::string content_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The example with every "#key: value" line made a setting.
std::string with_all_keys(const std::string& example) {
    std::istringstream lines(example);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        const auto hash = line.find_first_not_of(' ');
        const bool shows_key = hash != std::string::npos && line[hash] == '#' &&
                               hash + 1 < line.size() && line[hash + 1] >= 'a' &&
                               line[hash + 1] <= 'z';
        if (shows_key) line.erase(hash, 1);
        out += line + '\n';
    }
    return out;
}

bool has_key(const std::string& text, std::string_view name) {
    const std::string key = std::string(name) + ": ";
    return text.find(" " + key) != std::string::npos || text.find("#" + key) != std::string::npos;
}

}  // namespace

TEST_CASE("the example loads") {
    const auto loaded = load(kExample);
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().reason));
    CHECK(loaded->settings.upstreams.size() == 3);
    CHECK(loaded->warnings.empty());
}

TEST_CASE("the example names every key") {
    const auto text = content_of(kExample);
    for (const auto& key : keys_of<Settings>()) CHECK_MESSAGE(has_key(text, key.name), key.name);
    for (const auto& key : keys_of<UpstreamSettings>()) {
        CHECK_MESSAGE(has_key(text, key.name), key.name);
    }
}

TEST_CASE("the defaults that the example shows are the defaults") {
    const auto shown = parse(with_all_keys(content_of(kExample)), "example");
    REQUIRE_MESSAGE(shown, (shown ? "" : shown.error().reason));
    const auto plain = load(kExample);
    REQUIRE(plain);
    CHECK(shown->settings == plain->settings);
}

TEST_CASE("the configuration in the Go original's README loads as it stands") {
    const auto loaded = load(kSource + "/tests/settings/seed002.yaml");
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().reason));
    CHECK(loaded->warnings.empty());

    Settings expected;
    expected.ledger_path = loaded->settings.ledger_path;
    expected.upstreams = {{.url = "https://blossom1.example.com",
                           .priority = 1,
                           .supports_mirror = Tri::yes,
                           .supports_upload_head = Tri::yes},
                          {.url = "https://blossom2.example.com",
                           .priority = 2,
                           .supports_mirror = Tri::no,
                           .supports_upload_head = Tri::yes}};
    CHECK(loaded->settings == expected);
}

TEST_CASE("the reference has a row for every key, with its default") {
    const auto text = describe();
    for (const auto& key : keys_of<Settings>()) {
        CHECK_MESSAGE(text.find("| `" + std::string(key.name) + "`") != std::string::npos,
                      key.name);
    }
    CHECK(text.find("| `connect_to` (or `alternative_address`) | text | \"\" | ") !=
          std::string::npos);
    CHECK(text.find("| `quorum_reply` ↻ | early \\| all | early | ") != std::string::npos);
    CHECK(text.find("| `url` | text | (required) | ") != std::string::npos);
    CHECK(text.find("| `buffers_max` | size | 40 % of max_memory_bytes | ") != std::string::npos);
}
