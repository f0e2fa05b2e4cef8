#include "store/blob_index.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "sqlite/migrate.h"

using namespace espalier;
using protocol::BlobHash;
using protocol::ListQuery;
using protocol::PublicKey;
using sqlite::Connection;
using store::StoredBlob;

namespace {

PublicKey key(int n) {
    protocol::KeyBytes bytes{};
    bytes[0] = static_cast<std::byte>(n);
    return PublicKey(bytes);
}

BlobHash hash_number(int n) {
    return BlobHash(base::Sha256::of(std::to_string(n)));
}

Connection database() {
    auto connection = Connection::open(":memory:", {});
    REQUIRE(connection);
    REQUIRE(sqlite::migrate(*connection, store::kStoreSchema));
    return std::move(*connection);
}

// Adds blob number n for an owner, uploaded then.
StoredBlob add(Connection& connection, int n, std::int64_t uploaded, int owner = 1) {
    StoredBlob blob{.hash = hash_number(n), .size = 1, .type = "a/b", .uploaded = uploaded};
    REQUIRE(store::add_blob(connection, blob, key(owner)));
    return blob;
}

std::vector<StoredBlob> list(Connection& connection, const ListQuery& query, int owner = 1) {
    auto found = store::list_blobs(connection, key(owner), query);
    REQUIRE(found);
    return std::move(*found);
}

// All pages of `limit` blobs, one after the other.
std::vector<StoredBlob> pages(Connection& connection, std::size_t limit) {
    std::vector<StoredBlob> all;
    ListQuery query{.limit = limit};
    for (;;) {
        const auto page = list(connection, query);
        CHECK(page.size() <= limit);
        if (page.empty()) return all;
        all.insert(all.end(), page.begin(), page.end());
        query.cursor = page.back().hash;
    }
}

// The order that a list must have: newest first, equal times by hash.
bool before(const StoredBlob& a, const StoredBlob& b) {
    return a.uploaded != b.uploaded ? a.uploaded > b.uploaded : a.hash < b.hash;
}

bool same_hashes(const std::vector<StoredBlob>& a, const std::vector<StoredBlob>& b) {
    return std::ranges::equal(a, b, {}, &StoredBlob::hash, &StoredBlob::hash);
}

}  // namespace

TEST_CASE("pages of any size, with many equal times, make up the whole list in order") {
    auto connection = database();
    std::mt19937 dice(7);
    std::vector<StoredBlob> expected;
    for (int n = 0; n < 60; ++n) {
        expected.push_back(add(connection, n, std::uniform_int_distribution(1, 6)(dice)));
        add(connection, 1000 + n, n, 2);
    }
    std::ranges::sort(expected, before);
    for (const std::size_t limit : {1UZ, 2UZ, 7UZ, 59UZ, 60UZ, 61UZ}) {
        CHECK(same_hashes(pages(connection, limit), expected));
    }
}

TEST_CASE("since and until are inclusive") {
    auto connection = database();
    for (int n = 1; n <= 9; ++n) add(connection, n, std::int64_t{n} * 10);
    const auto found = list(connection, {.since = 30, .until = 50});
    REQUIRE(found.size() == 3);
    CHECK(found.front().uploaded == 50);
    CHECK(found.back().uploaded == 30);
    CHECK(list(connection, {.since = 51, .until = 50}).empty());
    CHECK(list(connection, {.until = 5}).empty());
}

TEST_CASE("a cursor and a time window narrow the list together") {
    auto connection = database();
    for (int n = 1; n <= 9; ++n) add(connection, n, std::int64_t{n} * 10);
    const auto inside = list(connection, {.cursor = hash_number(5), .since = 20, .until = 80});
    REQUIRE(inside.size() == 3);
    CHECK(inside.front().uploaded == 40);
    const auto later = list(connection, {.cursor = hash_number(9), .until = 40});
    REQUIRE(later.size() == 4);
    CHECK(later.front().uploaded == 40);
}

TEST_CASE("a limit of none gives nothing") {
    auto connection = database();
    add(connection, 1, 1);
    CHECK(list(connection, {.limit = 0}).empty());
}

TEST_CASE("a cursor that is not in the list is refused") {
    auto connection = database();
    add(connection, 1, 1);
    add(connection, 2, 2, 2);
    for (const int n : {2, 3}) {
        const auto found = store::list_blobs(connection, key(1), {.cursor = hash_number(n)});
        REQUIRE_FALSE(found);
        CHECK(found.error().kind == base::ErrorKind::invalid);
    }
}

TEST_CASE("a list goes on behind a blob that was deleted since") {
    auto connection = database();
    for (int n = 1; n <= 5; ++n) add(connection, n, n);
    REQUIRE(store::drop_blob(connection, hash_number(4), {.pubkey = key(1), .now = 1000}));
    const auto rest = list(connection, {.cursor = hash_number(4)});
    REQUIRE(rest.size() == 3);
    CHECK(rest.front().hash == hash_number(3));
}

TEST_CASE("the mark of a deleted blob is forgotten after a day") {
    auto connection = database();
    for (int n = 1; n <= 3; ++n) add(connection, n, n);
    REQUIRE(store::drop_blob(connection, hash_number(3), {.pubkey = key(1), .now = 1000}));
    const auto next_day = 1000 + store::kGoneSeconds + 1;
    REQUIRE(store::drop_blob(connection, hash_number(2), {.pubkey = key(1), .now = next_day}));
    CHECK_FALSE(store::list_blobs(connection, key(1), {.cursor = hash_number(3)}));
    CHECK(store::list_blobs(connection, key(1), {.cursor = hash_number(2)}));
}

TEST_CASE("a second owner lists a known blob with the time of its first upload") {
    auto connection = database();
    add(connection, 1, 10, 1);
    auto known = StoredBlob{.hash = hash_number(1), .size = 9, .type = "x/y", .uploaded = 99};
    const auto fresh = store::add_blob(connection, known, key(2));
    REQUIRE(fresh);
    CHECK_FALSE(*fresh);
    CHECK(known.uploaded == 10);
    CHECK(known.type == "a/b");
    CHECK(list(connection, {}, 2).at(0).uploaded == 10);
    CHECK(store::add_blob(connection, known, std::nullopt));
    CHECK(list(connection, {}, 2).size() == 1);
}
