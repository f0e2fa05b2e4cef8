#include "protocol/blob_hash.h"

#include <set>
#include <unordered_set>

#include <doctest/doctest.h>

#include "base/hex.h"
#include "fixture.h"

namespace espalier::protocol {

TEST_CASE("a hash is read from 64 lower-case digits and written back") {
    const auto hash = BlobHash::parse(kSomeHash);
    REQUIRE(hash);
    CHECK(hash->hex() == kSomeHash);
    CHECK(base::to_hex(hash->bytes()) == kSomeHash);
    std::string path = "/";
    hash->append_hex(path);
    CHECK(path == "/" + std::string(kSomeHash));
}

TEST_CASE("everything but 64 lower-case hex digits is no hash") {
    CHECK_FALSE(BlobHash::parse(""));
    CHECK_FALSE(BlobHash::parse(kSomeHash.substr(1)));
    CHECK_FALSE(BlobHash::parse(std::string(kSomeHash) + "0"));
    for (const char c : {'A', 'F', 'g', '/', ':', '`', ' ', '\0', '\xff', '\x80'}) {
        for (const std::size_t at : {0U, 31U, 63U}) {
            std::string text(kSomeHash);
            text[at] = c;
            CHECK_FALSE(BlobHash::parse(text));
        }
    }
}

TEST_CASE("every pair of digits is read as its byte") {
    for (unsigned value = 0; value < 256; ++value) {
        base::Digest digest{};
        digest.fill(static_cast<std::byte>(value));
        const BlobHash hash(digest);
        CHECK(BlobHash::parse(hash.hex()) == hash);
        CHECK(hash.hex() == base::to_hex(digest));
    }
}

TEST_CASE("hashes have the order of their text and fit into tables") {
    CHECK(hash_of_digits('1') < hash_of_digits('2'));
    CHECK(hash_of_digits('9') < hash_of_digits('a'));
    CHECK(BlobHash{} == hash_of_digits('0'));
    CHECK(BlobHash(base::Sha256::of("")).hex() ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const std::unordered_set<BlobHash> table{some_hash(), some_hash(), BlobHash{}};
    CHECK(table.size() == 2);
    CHECK(std::hash<BlobHash>{}(some_hash()) != std::hash<BlobHash>{}(BlobHash{}));
}

TEST_CASE("names that look alike are spread over a table") {
    for (std::size_t at = 0; at < 32; ++at) {
        CAPTURE(at);
        std::set<std::size_t> places;
        for (int n = 0; n < 256; ++n) {
            base::Digest digest{};
            digest.at(at) = static_cast<std::byte>(n);
            places.insert(std::hash<BlobHash>{}(BlobHash(digest)) % 65'537);
        }
        CHECK(places.size() > 240);
    }
}

}  // namespace espalier::protocol
