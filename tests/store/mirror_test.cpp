#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "store_fixture.h"

using namespace espalier;
using test::check_refusal;
using test::json_of;
using test::sha256_hex;
using test::StoreFixture;

namespace {

// Hands over `body` in two pieces, as an origin of this type would.
store::Fetcher origin(const std::string& body, const std::string& type, bool says_length = true) {
    return [body, type, says_length](const std::string&, store::FetchSink& sink,
                                     base::Deadline) -> base::Result<void> {
        store::FetchedHead head{.length = std::nullopt, .content_type = type};
        if (says_length) head.length = body.size();
        auto done = sink.begin(head);
        const auto bytes = std::as_bytes(std::span(body));
        const auto half = bytes.size() / 2;
        if (done) done = sink.append(bytes.first(half));
        if (done) done = sink.append(bytes.subspan(half));
        return done;
    };
}

store::Fetcher failing(base::ErrorKind kind) {
    return
        [kind](const std::string&, store::FetchSink& sink, base::Deadline) -> base::Result<void> {
            auto begun = sink.begin({});
            if (begun) begun = sink.append(std::as_bytes(std::span("half", 4)));
            return base::fail(kind, "no more", base::Origin::upstream);
        };
}

test::Response mirror(const StoreFixture& store, const std::string& url,
                      const base::Headers& headers = {}) {
    return store.ask("PUT", "/mirror", headers, nlohmann::json{{"url", url}}.dump());
}

}  // namespace

TEST_CASE("a blob is mirrored: 201 when new, 200 when known") {
    StoreFixture store({.fetch = origin("hello", "text/plain")});
    const auto url = "https://far.example/" + sha256_hex("hello") + ".txt";
    const auto first = mirror(store, url);
    CHECK(first.status == 201);
    CHECK(json_of(first)["sha256"] == sha256_hex("hello"));
    CHECK(json_of(first)["type"] == "text/plain");
    CHECK(mirror(store, url).status == 200);
    CHECK(store.ask("GET", "/" + sha256_hex("hello")).body == "hello");
}

TEST_CASE("a mirrored blob's type is the origin's, else guessed, else the extension's") {
    {
        StoreFixture store({.fetch = origin("%PDF-1.4 …", "")});
        CHECK(json_of(mirror(store, "https://far.example/x.txt"))["type"] == "application/pdf");
    }
    StoreFixture store({.fetch = origin("plain", "")});
    CHECK(json_of(mirror(store, "https://far.example/x.txt?y=z.png"))["type"] == "text/plain");
}

TEST_CASE("bytes of another hash than the URL's are refused") {
    StoreFixture store({.fetch = origin("hello", "text/plain")});
    check_refusal(mirror(store, "https://far.example/" + sha256_hex("other")), 502);
    // The last run of 64 digits counts.
    const auto path = sha256_hex("other") + "/" + sha256_hex("hello") + ".txt";
    CHECK(mirror(store, "https://far.example/" + path).status == 201);
}

TEST_CASE("a mirror token must name what is fetched") {
    StoreFixture store({.require_auth = true, .fetch = origin("hello", "text/plain")});
    const std::string url = "https://far.example/x";
    const auto signed_for = [&](std::string_view body) {
        return base::Headers{{"Authorization", store.sign("upload", sha256_hex(body))}};
    };
    check_refusal(mirror(store, url), 401);
    check_refusal(mirror(store, url, signed_for("other")), 409);
    CHECK(store.unfinished() == 0);
    CHECK(mirror(store, url, signed_for("hello")).status == 201);
    CHECK(json_of(store.ask("GET", "/list/" + test::test_pubkey(1))).size() == 1);
}

TEST_CASE("an origin that fails leaves nothing and is a bad gateway") {
    StoreFixture store({.fetch = failing(base::ErrorKind::upstream)});
    check_refusal(mirror(store, "https://far.example/x"), 502);
    CHECK(store.unfinished() == 0);
}

TEST_CASE("the fetcher's reasons reach the client") {
    const auto status = [](base::ErrorKind kind) {
        StoreFixture store({.fetch = failing(kind)});
        return mirror(store, "https://far.example/x").status;
    };
    CHECK(status(base::ErrorKind::invalid) == 400);
    CHECK(status(base::ErrorKind::forbidden) == 403);
    CHECK(status(base::ErrorKind::refused) == 502);
    CHECK(status(base::ErrorKind::timeout) == 504);
}

TEST_CASE("an origin's blob over the limit is refused, by its head or by its bytes") {
    for (const bool says_length : {true, false}) {
        StoreFixture store({.max_upload_bytes = 4, .fetch = origin("hello", "", says_length)});
        check_refusal(mirror(store, "https://far.example/x"), 413);
        CHECK(store.unfinished() == 0);
    }
}

TEST_CASE("a request that is not BUD-04's JSON is refused") {
    StoreFixture store({.fetch = origin("hello", "text/plain")});
    for (const auto* body :
         {"", "hello", "[]", "{}", R"({"url":7})", R"({"url":""})", "{\"url\""}) {
        check_refusal(store.ask("PUT", "/mirror", {}, body), 400);
    }
    check_refusal(mirror(store, "https://far.example/" + std::string(9000, 'x')), 413);
}

TEST_CASE("a store without a fetcher does not mirror") {
    StoreFixture store;
    check_refusal(mirror(store, "https://far.example/x"), 501);
}
