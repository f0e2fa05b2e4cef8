#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "store_fixture.h"

using namespace espalier;
using test::check_refusal;
using test::json_of;
using test::sha256_hex;
using test::StoreFixture;

namespace {

struct Listing : StoreFixture {
    Listing() : path("/list/" + test::test_pubkey(1)) {}

    // Blobs "a", "b", …: two at each second, so that there are ties.
    void fill(char count) {
        for (char i = 0; i < count; ++i) {
            const std::string body(1, static_cast<char>('a' + i));
            REQUIRE(signed_upload(body).status == 201);
            expected.emplace_back(-now(), sha256_hex(body));
            if (i % 2 == 1) clock.advance(base::Milliseconds(1000));
        }
        std::ranges::sort(expected);
    }
    std::vector<std::string> hashes(const std::string& query) const {
        std::vector<std::string> found;
        const auto listed = ask("GET", path + query);
        CHECK(listed.status == 200);
        for (const auto& blob : json_of(listed)) found.push_back(blob["sha256"]);
        return found;
    }
    std::vector<std::string> expected_hashes() const {
        std::vector<std::string> out;
        out.reserve(expected.size());
        for (const auto& [time, hash] : expected) out.push_back(hash);
        return out;
    }

    const std::string path;
    std::vector<std::pair<std::int64_t, std::string>> expected;
};

}  // namespace

TEST_CASE_FIXTURE(Listing, "a list holds full descriptors, newest first") {
    fill(5);
    CHECK(hashes("") == expected_hashes());
    const auto listed = ask("GET", path);
    CHECK(listed.header("Content-Type").starts_with("application/json"));
    const auto last = json_of(listed)[0];
    CHECK(last["sha256"] == sha256_hex("e"));
    CHECK(last["size"] == 1);
    CHECK(last["uploaded"] == now());
    CHECK(last["url"] == url() + "/" + sha256_hex("e") + ".bin");
    CHECK(last["nip94"].is_array());
}

TEST_CASE_FIXTURE(Listing, "pages with ties make up the whole list") {
    fill(9);
    for (const std::size_t limit : {1UZ, 2UZ, 3UZ, 8UZ, 9UZ, 10UZ}) {
        std::vector<std::string> all;
        std::string cursor;
        for (;;) {
            const auto page = hashes(base::text("?limit=", limit, cursor));
            if (page.empty()) break;
            CHECK(page.size() <= limit);
            all.insert(all.end(), page.begin(), page.end());
            cursor = "&cursor=" + page.back();
        }
        CHECK(all == expected_hashes());
    }
}

TEST_CASE_FIXTURE(Listing, "since and until cut the list") {
    fill(6);
    const auto newest = -expected.front().first;
    CHECK(hashes(base::text("?since=", newest)).size() == 2);
    CHECK(hashes(base::text("?until=", newest - 1)).size() == 4);
    CHECK(hashes(base::text("?since=", newest - 1, "&until=", newest - 1)).size() == 2);
    CHECK(hashes("?until=9999999999999999999").empty() == false);
}

TEST_CASE_FIXTURE(Listing, "somebody unknown has an empty list") {
    fill(1);
    CHECK(ask("GET", "/list/" + test::test_pubkey(9)).body == "[]");
}

TEST_CASE_FIXTURE(Listing, "a bad key, limit or cursor is refused") {
    fill(1);
    check_refusal(ask("GET", "/list/nobody"), 400);
    check_refusal(ask("GET", "/list/"), 400);
    check_refusal(ask("GET", path + "?limit=many"), 400);
    check_refusal(ask("GET", path + "?limit=-1"), 400);
    check_refusal(ask("GET", path + "?cursor=abc"), 400);
    check_refusal(ask("GET", path + "?since=yesterday"), 400);
    check_refusal(ask("GET", path + "?cursor=" + sha256_hex("not mine")), 400);
}

TEST_CASE_FIXTURE(Listing, "a client may delete page by page") {
    fill(6);
    std::size_t deleted = 0;
    std::string cursor;
    for (;;) {
        const auto page = hashes("?limit=2" + cursor);
        if (page.empty()) break;
        for (const auto& hash : page) {
            if (signed_delete(hash).status == 204) ++deleted;
        }
        cursor = "&cursor=" + page.back();
    }
    CHECK(deleted == 6);
    CHECK(hashes("").empty());
}

TEST_CASE("one answer has at most list_limit_max blobs") {
    StoreFixture store({.list_limit_max = 3});
    for (const auto* body : {"a", "b", "c", "d", "e"})
        REQUIRE(store.signed_upload(body).status == 201);
    const auto path = "/list/" + test::test_pubkey(1);
    CHECK(json_of(store.ask("GET", path)).size() == 3);
    CHECK(json_of(store.ask("GET", path + "?limit=100")).size() == 3);
    CHECK(json_of(store.ask("GET", path + "?limit=2")).size() == 2);
}

TEST_CASE("a list token that is there is checked") {
    StoreFixture store;
    const auto path = "/list/" + test::test_pubkey(1);
    const auto good = test::token({.verb = "list", .created_at = store.now() - 1});
    CHECK(store.ask("GET", path, {{"Authorization", good}}).status == 200);
    check_refusal(store.ask("GET", path, {{"Authorization", "Nostr x"}}), 401);
}
