#include "protocol/schnorr.h"

#include <thread>

#include <doctest/doctest.h>

#include "base/hex.h"
#include "base/sha256.h"
#include "fixture.h"

namespace espalier::protocol {
namespace {

struct Vector {
    std::string secret, key, fresh, message, signature;
    bool valid;
};

// The published vectors of BIP-340 that have messages of 32 bytes, in lower case.
std::vector<Vector> bip340_vectors() {
    std::vector<Vector> vectors;
    const auto csv = base::ascii_lower(read_fixture("bip340_vectors.csv"));
    for (const auto line : base::split(csv, '\n')) {
        const auto cells = base::split(line, ',');
        if (cells.size() < 8 || cells[0] == "index") continue;
        vectors.push_back({std::string(cells[1]), std::string(cells[2]), std::string(cells[3]),
                           std::string(cells[4]), std::string(cells[5]), cells[6] == "true"});
    }
    return vectors;
}

template <std::size_t Size>
std::array<std::byte, Size> bytes_of(std::string_view hex) {
    std::array<std::byte, Size> bytes{};
    REQUIRE(base::from_hex(hex, bytes));
    return bytes;
}

}  // namespace

TEST_CASE("the vectors of BIP-340 verify as published") {
    const auto vectors = bip340_vectors();
    REQUIRE(vectors.size() == 15);
    for (const auto& vector : vectors) {
        CAPTURE(vector.signature);
        CHECK(verify(*PublicKey::parse(vector.key), bytes_of<32>(vector.message),
                     bytes_of<64>(vector.signature)) == vector.valid);
    }
}

TEST_CASE("the vectors of BIP-340 with a secret key are signed as published") {
    int signed_vectors = 0;
    for (const auto& vector : bip340_vectors()) {
        if (vector.secret.empty()) continue;
        ++signed_vectors;
        const auto secret = SecretKey::parse_any(vector.secret);
        REQUIRE(secret);
        CHECK(secret->public_key().hex() == vector.key);
        const auto signature =
            sign(*secret, bytes_of<32>(vector.message), bytes_of<32>(vector.fresh));
        CHECK(base::to_hex(signature) == vector.signature);
    }
    CHECK(signed_vectors == 4);
}

TEST_CASE("a signature fails for another message, key or bit") {
    const auto key = some_key();
    const auto message = base::Sha256::of("a message");
    auto signature = sign(key, message, base::Digest{});
    CHECK(verify(key.public_key(), message, signature));
    CHECK_FALSE(verify(key.public_key(), base::Sha256::of("another"), signature));
    CHECK_FALSE(verify(SecretKey::generate().public_key(), message, signature));
    signature[63] ^= std::byte{1};
    CHECK_FALSE(verify(key.public_key(), message, signature));
    CHECK_FALSE(verify(PublicKey{}, message, signature));
}

TEST_CASE("many threads verify and sign at the same time") {
    const auto key = some_key();
    const auto message = base::Sha256::of("shared");
    const auto signature = sign(key, message, base::Digest{});
    std::array<int, 4> good{};
    {
        std::vector<std::jthread> threads;
        threads.reserve(good.size());
        for (auto& count : good)
            threads.emplace_back([&] {
                for (int i = 0; i < 50; ++i)
                    count += verify(key.public_key(), message, signature) &&
                             sign(key, message, base::Digest{}) == signature;
            });
    }
    for (const int count : good) CHECK(count == 50);
}

}  // namespace espalier::protocol
