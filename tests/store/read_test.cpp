#include <array>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "store_fixture.h"

using namespace espalier;
using test::check_refusal;
using test::sha256_hex;
using test::StoreFixture;

namespace {

constexpr std::string_view kText = "0123456789abcdefghij";

struct Served : StoreFixture {
    Served() {
        REQUIRE(upload(kText, {{"Content-Type", "text/plain"}}).status == 201);
        path = "/" + sha256_hex(kText);
    }
    std::string path;
};

// What a single "bytes=" range is by the letter of RFC 9110: nothing = not satisfiable.
std::optional<std::string_view> slice(std::optional<std::size_t> first,
                                      std::optional<std::size_t> last) {
    if (!first) {
        if (*last == 0) return std::nullopt;
        return kText.substr(kText.size() - std::min(*last, kText.size()));
    }
    if (*first >= kText.size()) return std::nullopt;
    const auto end = std::min(last.value_or(kText.size()), kText.size() - 1);
    return kText.substr(*first, end - *first + 1);
}

std::string digits(std::optional<std::size_t> number) {
    return number ? std::to_string(*number) : std::string();
}

}  // namespace

TEST_CASE_FIXTURE(Served, "a blob is served with what lets it be kept for ever") {
    const auto read = ask("GET", path);
    CHECK(read.status == 200);
    CHECK(read.body == kText);
    CHECK(read.header("Content-Type") == "text/plain");
    CHECK(read.header("Content-Length") == "20");
    CHECK(read.header("Accept-Ranges") == "bytes");
    CHECK(read.header("ETag") == "\"" + sha256_hex(kText) + "\"");
    CHECK(read.header("Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(read.header("Access-Control-Allow-Origin") == "*");
    CHECK(read.header("X-Content-Type-Options") == "nosniff");
}

TEST_CASE_FIXTURE(Served, "an extension or a query changes nothing") {
    CHECK(ask("GET", path + ".png").header("Content-Type") == "text/plain");
    CHECK(ask("GET", path + ".tar.gz").body == kText);
    CHECK(ask("GET", path + "?as=x&xs=y").body == kText);
}

TEST_CASE_FIXTURE(Served, "HEAD says the same without a body and knows no ranges") {
    for (const auto& range : {base::Headers{}, base::Headers{{"Range", "bytes=0-3"}}}) {
        test::RawClient client(port);
        client.send_head("HEAD", path, range);
        const auto head = client.read_response(true);
        CHECK(head.status == 200);
        CHECK(head.header("Content-Length") == "20");
        CHECK(head.header("Content-Type") == "text/plain");
        CHECK(head.header("Accept-Ranges") == "bytes");
        CHECK(head.header("ETag") == "\"" + sha256_hex(kText) + "\"");
    }
}

TEST_CASE_FIXTURE(Served, "ranges are what a naive slice gives") {
    const std::array<std::optional<std::size_t>, 8> ends{std::nullopt, 0, 1, 10, 18, 19, 20, 500};
    for (const auto first : ends) {
        for (const auto last : ends) {
            if ((!first && !last) || (first && last && *first > *last)) continue;
            const auto range = "bytes=" + digits(first) + "-" + digits(last);
            CAPTURE(range);
            const auto expected = slice(first, last);
            const auto read = ask("GET", path, {{"Range", range}});
            if (expected) {
                CHECK(read.status == 206);
                CHECK(read.body == *expected);
                CHECK(read.header("Content-Type") == "text/plain");
            } else {
                check_refusal(read, 416);
                CHECK(read.header("Content-Range") == "bytes */20");
            }
        }
    }
    CHECK(ask("GET", path, {{"Range", "bytes=2-4"}}).header("Content-Range") == "bytes 2-4/20");
}

TEST_CASE_FIXTURE(Served, "malformed and several ranges get the whole blob") {
    for (const auto* range : {"bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes=-"}) {
        const auto read = ask("GET", path, {{"Range", range}});
        CHECK(read.status == 200);
        CHECK(read.body == kText);
    }
}

TEST_CASE_FIXTURE(Served, "a client that has the blob is told so") {
    const auto etag = "\"" + sha256_hex(kText) + "\"";
    const auto same = ask("GET", path, {{"If-None-Match", etag}});
    CHECK(same.status == 304);
    CHECK(same.body.empty());
    CHECK(ask("GET", path, {{"If-None-Match", "\"other\""}}).status == 200);
    CHECK(ask("GET", path, {{"Range", "bytes=0-3"}, {"If-Range", etag}}).status == 206);
    CHECK(ask("GET", path, {{"Range", "bytes=0-3"}, {"If-Range", "\"old\""}}).status == 200);
}

TEST_CASE_FIXTURE(Served, "what is not there is 404, what is not a hash is told apart") {
    check_refusal(ask("GET", "/" + sha256_hex("absent")), 404);
    check_refusal(ask("HEAD", "/" + sha256_hex("absent") + ".png"), 404);
    check_refusal(ask("GET", "/nothing/here"), 404);
    check_refusal(ask("GET", path + "0"), 404);
    check_refusal(ask("GET", path + "/"), 404);
    check_refusal(ask("GET", "/AB" + sha256_hex("x").substr(2)), 400);
}

TEST_CASE_FIXTURE(Served, "OPTIONS is answered on every path") {
    for (const auto& target : {path, std::string("/upload"), std::string("/whatever")}) {
        const auto options = ask("OPTIONS", target);
        CHECK(options.status == 204);
        CHECK(options.header("Access-Control-Allow-Origin") == "*");
        CHECK(options.header("Access-Control-Allow-Methods").find("DELETE") !=
              std::string_view::npos);
        CHECK(options.header("Access-Control-Allow-Headers").find("Authorization") !=
              std::string_view::npos);
    }
}

TEST_CASE_FIXTURE(Served, "a method that a path does not have is 405 and says which it has") {
    const auto refused = ask("POST", "/upload");
    check_refusal(refused, 405);
    CHECK(refused.header("Allow") == "HEAD, PUT, OPTIONS");
    check_refusal(ask("GET", "/upload"), 405);
    check_refusal(ask("GET", "/mirror"), 405);
    check_refusal(ask("PUT", path), 405);
    check_refusal(ask("DELETE", "/"), 405);
    check_refusal(ask("POST", "/list/" + std::string(64, 'a')), 405);
    CHECK(ask("GET", "/").status == 200);
}

TEST_CASE_FIXTURE(Served, "a page that a stranger uploaded runs in a sandbox") {
    for (const auto* type : {"text/html", "image/svg+xml", "application/xhtml+xml"}) {
        const std::string page = std::string("<p>") + type;
        upload(page, {{"Content-Type", type}});
        CHECK(ask("GET", "/" + sha256_hex(page)).header("Content-Security-Policy") == "sandbox");
    }
    CHECK(ask("GET", path).header("Content-Security-Policy").empty());
}
