#include "protocol/token.h"

#include <doctest/doctest.h>

#include "base/base64.h"
#include "fixture.h"
#include "protocol/event.h"

namespace espalier::protocol {

TEST_CASE("verbs have the names of BUD-11") {
    CHECK(name_of(Verb::get) == "get");
    CHECK(name_of(Verb::upload) == "upload");
    CHECK(name_of(Verb::list) == "list");
    CHECK(name_of(Verb::delete_) == "delete");
    CHECK(name_of(Verb::media) == "media");
    CHECK(verb_of("delete") == Verb::delete_);
    CHECK_FALSE(verb_of("Delete"));
    CHECK_FALSE(verb_of(""));
}

TEST_CASE("a header value is written in the encoding an upstream reads") {
    CHECK(authorization_header("{}?>", TokenEncoding::std_padded) == "Nostr e30/Pg==");
    CHECK(authorization_header("{}?>", TokenEncoding::url) == "Nostr e30_Pg");
}

TEST_CASE("a minted token is a valid event that says what was asked for") {
    const auto header = mint_token(some_key(), Verb::upload, {some_hash(), hash_of_digits('2')},
                                   {"cdn.example.com"}, 1000, 1060, "Upload \"it\"");
    REQUIRE(header.starts_with("Nostr "));
    const auto json = base::from_base64(header.substr(6));
    REQUIRE(json);
    const auto event = parse_event(*json);
    REQUIRE(event);
    CHECK(has_valid_id(*event));
    CHECK(has_valid_signature(*event));
    CHECK(event->pubkey == some_key().public_key());
    CHECK(event->kind == 24242);
    CHECK(event->created_at == 1000);
    CHECK(event->content == "Upload \"it\"");
    CHECK(event->tags == Tags{{"t", "upload"},
                              {"expiration", "1060"},
                              {"x", std::string(kSomeHash)},
                              {"x", std::string(64, '2')},
                              {"server", "cdn.example.com"}});
}

}  // namespace espalier::protocol
