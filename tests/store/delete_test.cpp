#include <doctest/doctest.h>

#include "store_fixture.h"

using namespace espalier;
using test::check_refusal;
using test::sha256_hex;
using test::StoreFixture;

TEST_CASE("an owner deletes a blob, once") {
    StoreFixture store({.require_auth = true});
    const auto hash = sha256_hex("hello");
    REQUIRE(store.signed_upload("hello").status == 201);
    CHECK(store.signed_delete(hash).status == 204);
    CHECK(store.ask("GET", "/" + hash).status == 404);
    check_refusal(store.signed_delete(hash), 404);
    CHECK(store.signed_upload("hello").status == 201);
}

TEST_CASE("somebody who does not own a blob cannot delete it") {
    StoreFixture store({.require_auth = true});
    const auto hash = sha256_hex("hello");
    REQUIRE(store.signed_upload("hello", 1).status == 201);
    check_refusal(store.signed_delete(hash, 2), 403);
    CHECK(store.ask("GET", "/" + hash).status == 200);
}

TEST_CASE("a blob stays until the last of its owners has deleted it") {
    StoreFixture store({.require_auth = true});
    const auto hash = sha256_hex("hello");
    REQUIRE(store.signed_upload("hello", 1).status == 201);
    REQUIRE(store.signed_upload("hello", 2).status == 200);
    CHECK(store.signed_delete(hash, 1).status == 204);
    CHECK(store.ask("GET", "/" + hash).status == 200);
    CHECK(store.signed_delete(hash, 2).status == 204);
    CHECK(store.ask("GET", "/" + hash).status == 404);
}

TEST_CASE("a delete needs a token for this verb and this blob") {
    StoreFixture store({.require_auth = true});
    const auto hash = sha256_hex("hello");
    REQUIRE(store.signed_upload("hello").status == 201);
    const auto with = [&](const std::string& value) {
        return store.ask("DELETE", "/" + hash, {{"Authorization", value}});
    };
    check_refusal(store.ask("DELETE", "/" + hash), 401);
    check_refusal(with(store.sign("upload", hash)), 403);
    check_refusal(with(store.sign("delete", sha256_hex("other"))), 403);
    check_refusal(with(test::token({.verb = "delete", .created_at = store.now() - 1})), 403);
    CHECK(store.ask("GET", "/" + hash).status == 200);
}

TEST_CASE("several x tags delete one blob only") {
    StoreFixture store({.require_auth = true});
    REQUIRE(store.signed_upload("one").status == 201);
    REQUIRE(store.signed_upload("two").status == 201);
    const auto both = test::token({.verb = "delete",
                                   .xs = {sha256_hex("one"), sha256_hex("two")},
                                   .created_at = store.now() - 1});
    CHECK(store.ask("DELETE", "/" + sha256_hex("one"), {{"Authorization", both}}).status == 204);
    CHECK(store.ask("GET", "/" + sha256_hex("two")).status == 200);
}

TEST_CASE("where nobody has to sign, unsigned blobs can be deleted unsigned, signed ones not") {
    StoreFixture store;
    REQUIRE(store.upload("anyone's").status == 201);
    REQUIRE(store.signed_upload("mine").status == 201);
    CHECK(store.ask("DELETE", "/" + sha256_hex("anyone's")).status == 204);
    check_refusal(store.ask("DELETE", "/" + sha256_hex("mine")), 401);
    CHECK(store.signed_delete(sha256_hex("mine")).status == 204);
}
