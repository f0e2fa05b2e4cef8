// Hexadecimal, base64 and SHA-256 against published vectors and against themselves.
#include <array>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/sha256.h"

using namespace espalier;
using base::from_base64;
using base::Sha256;
using base::to_base64;
using base::to_base64url;
using base::to_hex;

namespace {

std::string hex_of(std::string_view bytes) {
    return to_hex(std::as_bytes(std::span(bytes)));
}

std::string random_bytes(std::mt19937& dice, std::size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(dice());
    return out;
}

}  // namespace

TEST_CASE("RFC 4648's vectors encode and decode") {
    const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(to_base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
        const auto bare = text.substr(0, text.find('='));
        CHECK(to_base64url(bytes) == bare);
        CHECK(from_base64(bare) == bytes);
    }
}

TEST_CASE("all four variants of base64 decode, even mixed") {
    const std::string bytes = "\xfb\xff\xbf\xfe";
    CHECK(to_base64(bytes) == "+/+//g==");
    CHECK(to_base64url(bytes) == "-_-__g");
    for (const auto* const text : {"+/+//g==", "+/+//g", "-_-__g==", "-_-__g", "+_-/_g"})
        CHECK(from_base64(text) == bytes);
}

TEST_CASE("what is not base64 is refused") {
    for (const auto* const text :
         {"A", "AAAAA", "Zg=", "Zm8==", "Zm9v=", "Zm9v==", "Zg===", "=",
          "==", "====", "Z=g=", "Zm 8=", "Zm8\n", "Zm8=Zm8=", "Z\xc3\xa4g", "Zm.v", "Zh", "Zm9"}) {
        CAPTURE(std::string(text));
        CHECK(from_base64(text) == std::nullopt);
    }
    CHECK(from_base64(std::string_view("Zm8\0", 4)) == std::nullopt);
}

TEST_CASE("any bytes survive a round trip through each alphabet") {
    std::mt19937 dice(3);  // NOLINT(cert-msc51-cpp): the same run every time
    for (std::size_t size = 0; size < 300; ++size) {
        const auto bytes = random_bytes(dice, size);
        CHECK((from_base64(to_base64(bytes)) == bytes));
        CHECK((from_base64(to_base64url(bytes)) == bytes));
        CHECK(to_base64(bytes).size() == (size + 2) / 3 * 4);
        CHECK(to_base64url(bytes).find_first_of("+/=") == std::string::npos);
    }
}

TEST_CASE("hexadecimal is lower-case both ways") {
    CHECK(hex_of(std::string_view("\x00\x7f\x80\xff", 4)) == "007f80ff");
    CHECK(hex_of("").empty());
    std::array<std::byte, 4> out{};
    CHECK(base::from_hex("007f80ff", out));
    CHECK(to_hex(out) == "007f80ff");
    for (const auto* const wrong :
         {"", "007f80f", "007f80ff0", "007F80FF", "007f80fg", "0x7f80ff", " 07f80ff", "007f80ff00"})
        CHECK_FALSE(base::from_hex(wrong, out));
    CHECK(base::from_hex("", std::span<std::byte>{}));
}

TEST_CASE("SHA-256 agrees with the published examples") {
    const auto hash = [](std::string_view bytes) { return to_hex(Sha256::of(bytes)); };
    CHECK(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hash(std::string(1'000'000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 in pieces is SHA-256 of the whole, and starts afresh when it is finished") {
    std::mt19937 dice(4);  // NOLINT(cert-msc51-cpp): the same run every time
    Sha256 hash;
    for (int round = 0; round < 50; ++round) {
        const auto bytes = random_bytes(dice, dice() % 5000);
        for (std::size_t done = 0; done < bytes.size();) {
            const auto piece = std::string_view(bytes).substr(done, dice() % 200);
            hash.update(std::as_bytes(std::span(piece)));
            done += piece.size();
        }
        CHECK(hash.finish() == Sha256::of(bytes));
    }
    Sha256 moved = std::move(hash);
    CHECK(moved.finish() == Sha256::of(""));
}
