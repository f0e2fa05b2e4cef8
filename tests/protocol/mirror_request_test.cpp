// What PUT /mirror is asked for, and what a URL says of its blob.
#include "protocol/mirror_request.h"

#include <doctest/doctest.h>

using namespace espalier;
using protocol::BlobHash;
using protocol::extension_in_url;
using protocol::hash_in_url;
using protocol::mirror_url;

namespace {

const std::string kA(64, 'a');
const std::string kB(64, 'b');

std::string found(const std::string& url) {
    const auto hash = hash_in_url(url);
    return hash ? hash->hex() : "";
}

}  // namespace

TEST_CASE("a mirror request is an object with a url, whatever else it holds") {
    CHECK(mirror_url(R"({"url":"https://a.example/x"})") == "https://a.example/x");
    CHECK(mirror_url(R"({"more":1,"url":"x"})") == "x");
    for (const char* body : {"", "{}", "[]", R"("url")", R"({"url":1})", R"({"url":"x")"})
        CHECK_FALSE(mirror_url(body));
    CHECK(mirror_url(protocol::mirror_request("https://a.example/\"x\"")) ==
          "https://a.example/\"x\"");
}

TEST_CASE("a URL's hash is the last run of exactly 64 hex digits in its path") {
    CHECK(found("https://a.example/" + kA) == kA);
    CHECK(found("https://a.example/" + kA + ".png") == kA);
    CHECK(found("https://a.example/" + kA + "/" + kB + ".png?x=" + kA) == kB);
    CHECK(found("https://a.example/" + kA + "#" + kB) == kA);
    CHECK(found("https://a.example/" + kA + "a") == "");
    CHECK(found("https://a.example/" + kA + "a/" + kB + "x") == kB);
    CHECK(found("https://a.example/x") == "");
    CHECK(found("") == "");
}

TEST_CASE("a URL's extension stands behind the last dot of its last part") {
    CHECK(extension_in_url("https://a.example/x.png") == "png");
    CHECK(extension_in_url("https://a.example/x.tar.gz?y=z.png") == "gz");
    CHECK(extension_in_url("https://a.example/x") == "");
    CHECK(extension_in_url("https://a.example/x.d/y") == "");
}
