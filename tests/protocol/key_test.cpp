#include "protocol/key.h"

#include <unordered_set>

#include <doctest/doctest.h>

#include "base/hex.h"
#include "fixture.h"

namespace espalier::protocol {
namespace {

// The examples of NIP-19.
constexpr std::string_view kHex =
    "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
constexpr std::string_view kNpub =
    "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
constexpr std::string_view kSecretHex =
    "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa";
constexpr std::string_view kNsec =
    "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";

std::string reason_for(std::string_view text) {
    const auto key = PublicKey::parse_any(text);
    REQUIRE_FALSE(key);
    CHECK(key.error().kind == base::ErrorKind::invalid);
    return key.error().reason;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("the keys of NIP-19 are read and written in both forms") {
    CHECK(PublicKey::parse_any(kNpub)->hex() == kHex);
    CHECK(PublicKey::parse_any(kHex)->npub() == kNpub);
    CHECK(PublicKey::parse(kHex) == *PublicKey::parse_any(kNpub));
    CHECK(base::to_hex(SecretKey::parse_any(kNsec)->bytes()) == kSecretHex);
    CHECK(SecretKey::parse_any(kSecretHex)->nsec() == kNsec);
}

TEST_CASE("keys are read generously where people write them, strictly in events") {
    const std::string upper = "7E7E9C42A91BFEF19FA929E5FDA1B72E0EBC1A4C1141673E2794234D86ADDF4E";
    CHECK(PublicKey::parse_any(upper)->hex() == kHex);
    CHECK(PublicKey::parse_any(" " + std::string(kNpub) + "\t")->hex() == kHex);
    CHECK_FALSE(PublicKey::parse(upper));
    CHECK_FALSE(PublicKey::parse(kNpub));
    CHECK_FALSE(PublicKey::parse(kHex.substr(2)));
}

TEST_CASE("a refused public key is named") {
    CHECK(contains(reason_for("alice"), "\"alice\""));
    CHECK(contains(reason_for(""), "\"\""));
    auto typo = std::string(kNpub);
    typo[20] = typo[20] == 'q' ? 'p' : 'q';
    CHECK(contains(reason_for(typo), typo));
    CHECK(contains(reason_for(std::string(500, 'x')), std::string(80, 'x') + "\""));
    CHECK(contains(reason_for("a\nb"), "a?b"));
}

TEST_CASE("a public key that is no point of the curve is refused in configuration") {
    const std::string outside = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34";
    CHECK(contains(reason_for(outside), "curve"));
    CHECK(PublicKey::parse(outside));
    CHECK_FALSE(PublicKey::parse(outside)->is_on_curve());
    CHECK(PublicKey::parse(kHex)->is_on_curve());
}

TEST_CASE("a secret key in the wrong place is not repeated") {
    CHECK_FALSE(contains(reason_for(kNsec), "vl029"));
    CHECK(contains(reason_for(kNsec), "secret key"));
    const auto broken = SecretKey::parse_any("nsec1vl029mgpspedva04g90vltkh6fvh240");
    REQUIRE_FALSE(broken);
    CHECK_FALSE(contains(broken.error().reason, "vl029"));
}

TEST_CASE("what is no scalar is no secret key") {
    CHECK_FALSE(SecretKey::parse_any(std::string(64, '0')));
    CHECK_FALSE(SecretKey::parse_any(std::string(64, 'f')));
    CHECK_FALSE(SecretKey::parse_any(kNpub));
    CHECK_FALSE(SecretKey::parse_any(""));
}

TEST_CASE("a secret key has the public key that nostr-tools gives it") {
    std::string sevens;
    for (int i = 0; i < 32; ++i) sevens += "07";
    const auto key = SecretKey::parse_any(sevens);
    REQUIRE(key);
    CHECK(key->public_key().hex() ==
          "989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f");
    CHECK(key->public_key().npub() ==
          "npub1nzwqkakt2cuhrlwfhme3asrvx4s0xfyadm57tkpu2a39t9hqtahs7fsn89");
    CHECK(key->nsec() == "nsec1qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qursl6edet");
}

TEST_CASE("generated keys are usable and differ") {
    std::unordered_set<PublicKey> seen;
    for (int i = 0; i < 20; ++i) {
        const auto key = SecretKey::generate();
        CHECK(key.public_key().is_on_curve());
        CHECK(SecretKey::parse_any(key.nsec())->public_key() == key.public_key());
        seen.insert(key.public_key());
    }
    CHECK(seen.size() == 20);
}

}  // namespace espalier::protocol
