// A Store on a port of its own over an empty folder, and verbs to talk to it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "store/store.h"
#include "support/manual_clock.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"
#include "support/token.h"

namespace espalier::test {

inline std::string sha256_hex(std::string_view bytes) {
    return base::to_hex(base::Sha256::of(bytes));
}

struct StoreFixture {
    explicit StoreFixture(store::Options options = {}) {
        options.folder = (temp / "blobs").string();
        auto opened = store::Store::open(std::move(options), log, clock);
        REQUIRE(opened);
        serving = std::move(*opened);
        REQUIRE(serving->start());
        port = serving->ports().at(0);
    }
    ~StoreFixture() { serving->stop(base::Deadline::after(base::Milliseconds(1000))); }
    StoreFixture(const StoreFixture&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
    std::int64_t now() const { return clock.unix_now(); }

    Response ask(std::string_view method, std::string_view target,
                 const base::Headers& headers = {}, std::string_view body = {}) const {
        return http_request(port, method, target, headers, body);
    }
    Response upload(std::string_view body, const base::Headers& headers = {}) const {
        return ask("PUT", "/upload", headers, body);
    }
    // A token for this verb and blob, signed by test key `n`, valid now.
    std::string sign(std::string verb, std::string hash, std::uint8_t n = 1) const {
        return token(test_key(n), {.verb = std::move(verb),
                                   .xs = {std::move(hash)},
                                   .servers = {},
                                   .created_at = now() - 1});
    }
    Response signed_upload(std::string_view body, std::uint8_t n = 1) const {
        return upload(body, {{"Authorization", sign("upload", sha256_hex(body), n)}});
    }
    Response signed_delete(const std::string& hash, std::uint8_t n = 1) const {
        return ask("DELETE", "/" + hash, {{"Authorization", sign("delete", hash, n)}});
    }
    std::size_t unfinished() const {
        std::size_t files = 0;
        for (const auto& entry : std::filesystem::directory_iterator(temp / "blobs" / "incoming")) {
            if (entry.is_regular_file()) ++files;
        }
        return files;
    }

    TempDir temp;
    base::Log log{{.level = base::Level::error}};
    ManualClock clock;
    std::unique_ptr<store::Store> serving;
    std::uint16_t port = 0;
};

inline nlohmann::json json_of(const Response& response) {
    auto json = nlohmann::json::parse(response.body, nullptr, false);
    CHECK_FALSE(json.is_discarded());
    return json;
}

// What every refusal must carry.
inline void check_refusal(const Response& response, int status) {
    CHECK(response.status == status);
    CHECK(response.header("Access-Control-Allow-Origin") == "*");
    CHECK_FALSE(response.header("X-Reason").empty());
}

}  // namespace espalier::test
