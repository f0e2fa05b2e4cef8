#include "protocol/descriptor.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "fixture.h"

namespace espalier::protocol {
namespace {

// A descriptor with the sha256 and these other fields.
std::string with_fields(std::string_view fields) {
    return base::text("{\"sha256\":\"", kSomeHash, '"', fields.empty() ? "" : ",", fields, '}');
}

Descriptor parsed(std::string_view json) {
    CAPTURE(json);
    auto descriptor = parse_descriptor(json);
    REQUIRE(descriptor);
    return *std::move(descriptor);
}

}  // namespace

TEST_CASE("the example of BUD-08 is read") {
    const auto descriptor = parsed(base::text(
        R"({"url":"https://cdn.example.com/)", kSomeHash, R"(.pdf","sha256":")", kSomeHash,
        R"(","size":184292,"type":"application/pdf","uploaded":1725909682,"nip94":[["url","u"],)",
        R"(["m","application/pdf"]],"magnet":"magnet:?x"})"));
    CHECK(descriptor.url == base::text("https://cdn.example.com/", kSomeHash, ".pdf"));
    CHECK(descriptor.sha256 == some_hash());
    CHECK(descriptor.size == 184292);
    CHECK(descriptor.type == "application/pdf");
    CHECK(descriptor.uploaded == 1725909682);
    CHECK(descriptor.nip94 == Tags{{"url", "u"}, {"m", "application/pdf"}});
}

TEST_CASE("only the hash is required") {
    const auto descriptor = parsed(with_fields(""));
    CHECK(descriptor.sha256 == some_hash());
    CHECK(descriptor.size == 0);
    CHECK(descriptor.type.empty());
    CHECK(parsed(R"({"sha256":"B1674191A88EC5CDD733E4240A81803105DC412D6C6708D53AB94FC248F4F553"})")
              .sha256 == some_hash());
    for (const std::string_view json :
         {"", "{}", "[]", "null", "{\"sha256\":1}", "{\"sha256\":\"b167\"}", "{\"sha256\":null}",
          "not json", "\"x\"", "{\"size\":1"}) {
        const auto refused = parse_descriptor(json);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == base::ErrorKind::invalid);
    }
}

TEST_CASE("fields of a wrong type count as missing") {
    const auto descriptor = parsed(with_fields(
        R"("url":5,"size":"12","type":null,"uploaded":[],"nip94":{"url":"u"},"mirrors":"none")"));
    CHECK(descriptor.url.empty());
    CHECK(descriptor.size == 0);
    CHECK(descriptor.type.empty());
    CHECK(descriptor.uploaded == 0);
    CHECK(descriptor.nip94.empty());
    CHECK(descriptor.mirrors.empty());
    CHECK(parsed(with_fields(R"("nip94":[["x",1]])")).nip94.empty());
    CHECK(parsed(with_fields(R"("nip94":["x"])")).nip94.empty());
}

TEST_CASE("numbers may be written as decimals but not be negative or huge") {
    CHECK(parsed(with_fields(R"("size":12.0,"uploaded":1725909682.517)")).size == 12);
    CHECK(parsed(with_fields(R"("uploaded":1725909682.517)")).uploaded == 1725909682);
    CHECK(parsed(with_fields(R"("size":-1)")).size == 0);
    CHECK(parsed(with_fields(R"("size":-1.5)")).size == 0);
    CHECK(parsed(with_fields(R"("size":1e300)")).size == 0);
    CHECK(parsed(with_fields(R"("size":18446744073709551615)")).size == 18446744073709551615U);
    CHECK(parsed(with_fields(R"("uploaded":18446744073709551615)")).uploaded > 0);
}

TEST_CASE("a descriptor is bounded") {
    const auto padding = [](std::size_t bytes) {
        return with_fields("\"p\":\"" + std::string(bytes, 'x') + '"');
    };
    const auto overhead = padding(0).size();
    CHECK(parse_descriptor(padding(kDescriptorBytesMax - overhead)));
    const auto refused = parse_descriptor(padding(kDescriptorBytesMax - overhead + 1));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == base::ErrorKind::too_large);
    CHECK_FALSE(parse_descriptor(std::string(60000, '[')));
}

TEST_CASE("a written descriptor has the fields of BUD-02 in their order") {
    const Descriptor descriptor{.url = "https://a.example/x.bin",
                                .sha256 = some_hash(),
                                .size = 7,
                                .type = "text/plain",
                                .uploaded = 9};
    CHECK(to_json(descriptor) == base::text(R"({"url":"https://a.example/x.bin","sha256":")",
                                            kSomeHash,
                                            R"(","size":7,"type":"text/plain","uploaded":9})"));
}

TEST_CASE("nip94 and mirrors survive being written and read") {
    const Descriptor descriptor{.url = "u",
                                .sha256 = some_hash(),
                                .size = 1,
                                .type = "a/b",
                                .uploaded = 2,
                                .nip94 = {{"url", "\"quoted\""}, {"m", "é"}},
                                .mirrors = {{"https://b.example/x", "stored"}, {"c", "pending"}}};
    const auto again = parsed(to_json(descriptor));
    CHECK(again.nip94 == descriptor.nip94);
    REQUIRE(again.mirrors.size() == 2);
    CHECK(again.mirrors[0].url == "https://b.example/x");
    CHECK(again.mirrors[1].status == "pending");
}

TEST_CASE("bytes that are no UTF-8 do not break the JSON") {
    Descriptor descriptor;
    descriptor.type = "a/\xff";
    CHECK(parsed(to_json(descriptor)).type == "a/\xef\xbf\xbd");
}

TEST_CASE("nip94 names the replicas in the configured way") {
    const std::vector<std::string> urls{"https://a/x", "https://b/x", "https://c/x"};
    const Tags rest{{"m", "image/png"},
                    {"x", std::string(kSomeHash)},
                    {"ox", std::string(kSomeHash)},
                    {"size", "5"}};
    const auto tags = [&](Nip94Urls mode) {
        return nip94_tags(urls, some_hash(), "image/png", 5, mode);
    };
    const auto followed_by_rest = [&](Tags first) {
        first.insert(first.end(), rest.begin(), rest.end());
        return first;
    };
    CHECK(tags(Nip94Urls::both) == followed_by_rest({{"url", "https://a/x"},
                                                     {"url", "https://b/x"},
                                                     {"url", "https://c/x"},
                                                     {"fallback", "https://b/x"},
                                                     {"fallback", "https://c/x"}}));
    CHECK(
        tags(Nip94Urls::multi) ==
        followed_by_rest({{"url", "https://a/x"}, {"url", "https://b/x"}, {"url", "https://c/x"}}));
    CHECK(tags(Nip94Urls::fallback) ==
          followed_by_rest(
              {{"url", "https://a/x"}, {"fallback", "https://b/x"}, {"fallback", "https://c/x"}}));
    const auto alone = nip94_tags({"https://a/x"}, some_hash(), "image/png", 5, Nip94Urls::both);
    CHECK(alone == followed_by_rest({{"url", "https://a/x"}}));
}

TEST_CASE("a transformed blob names its original") {
    const auto tags =
        nip94_tags({}, some_hash(), "image/webp", 1, Nip94Urls::both, hash_of_digits('1'));
    CHECK(tags[1] == Tag{"x", std::string(kSomeHash)});
    CHECK(tags[2] == Tag{"ox", std::string(64, '1')});
}

}  // namespace espalier::protocol
