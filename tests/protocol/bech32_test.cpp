#include "protocol/bech32.h"

#include <array>

#include <doctest/doctest.h>

#include "base/text.h"

namespace espalier::protocol {

TEST_CASE("the valid strings of BIP-173 decode and encode back") {
    for (const std::string_view text :
         {"A12UEL5L", "a12uel5l",
          "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5t"
          "gs",
          "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
          "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc824"
          "7"
          "j",
          "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "?1ezyfcl"}) {
        CAPTURE(text);
        const auto parts = decode_bech32(text);
        REQUIRE(parts);
        CHECK(encode_bech32(*parts) == base::ascii_lower(text));
    }
}

TEST_CASE("the invalid strings of BIP-173 are refused") {
    for (const std::string_view text :
         {"\x20"
          "1nwldj5",
          "\x7f"
          "1axkwrx",
          "\x80"
          "1eym55h",
          "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio156"
          "9pvx",
          "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8",
          "10a06t8", "1qzzfhee", "", "1", "a12UEL5L"}) {
        CAPTURE(text);
        CHECK_FALSE(decode_bech32(text));
    }
}

TEST_CASE("any single wrong character breaks the checksum") {
    const std::string good = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
    REQUIRE(decode_bech32(good));
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = bad[at] == 'q' ? 'p' : 'q';
        CAPTURE(bad);
        CHECK_FALSE(decode_bech32(bad));
    }
}

TEST_CASE("bytes survive the way through groups of five bits") {
    std::vector<std::byte> bytes;
    for (unsigned i = 0; i < 40; ++i) {
        const auto groups = to_groups(bytes);
        CHECK(groups.size() == (bytes.size() * 8 + 4) / 5);
        CHECK(from_groups(groups) == bytes);
        bytes.push_back(static_cast<std::byte>(i * 37 + 201));
    }
}

TEST_CASE("left-over bits that carry something are refused") {
    CHECK_FALSE(from_groups(std::array<std::uint8_t, 1>{0}));
    CHECK_FALSE(from_groups(std::array<std::uint8_t, 2>{31, 31}));
    CHECK(from_groups(std::array<std::uint8_t, 2>{31, 28})->size() == 1);
    CHECK(from_groups({})->empty());
}

}  // namespace espalier::protocol
