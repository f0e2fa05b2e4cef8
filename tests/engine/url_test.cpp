#include "engine/url.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace espalier;
using engine::Url;

namespace {

Url parsed(std::string_view text) {
    const auto url = Url::parse(text);
    REQUIRE_MESSAGE(url, std::string(text));
    return *url;
}

}  // namespace

TEST_CASE("a URL is taken apart") {
    const auto url = parsed("HTTPS://Blobs.Example:8443/a/b?c=d&e#part");
    CHECK(url.scheme() == "https");
    CHECK(url.host() == "blobs.example");
    CHECK(url.port() == 8443);
    CHECK_FALSE(url.has_default_port());
    CHECK(url.authority() == "blobs.example:8443");
    CHECK(url.path() == "/a/b");
    CHECK(url.query() == "c=d&e");
    CHECK(url.origin() == "https://blobs.example:8443");
    CHECK(url.text() == "https://blobs.example:8443/a/b?c=d&e");
}

TEST_CASE("what is left out has a default, and default ports are not shown") {
    CHECK(parsed("http://a.example").text() == "http://a.example/");
    CHECK(parsed("http://a.example").port() == 80);
    CHECK(parsed("https://a.example").port() == 443);
    CHECK(parsed("https://a.example:443/").text() == "https://a.example/");
    CHECK(parsed("http://a.example:443/").authority() == "a.example:443");
    CHECK(parsed("http://a.example?q=1").text() == "http://a.example/?q=1");
}

TEST_CASE("spellings of the same URL are the same") {
    CHECK(parsed("http://A.example:80/x") == parsed("HTTP://a.EXAMPLE/x"));
    CHECK(parsed("http://a.example/x/../y").path() == "/y");
    CHECK_FALSE(parsed("http://a.example/x") == parsed("http://a.example/X"));
}

TEST_CASE("numbers that mean an IPv4 address become one") {
    CHECK(parsed("http://2130706433/").host() == "127.0.0.1");
    CHECK(parsed("http://0x7f.1/").host() == "127.0.0.1");
    CHECK(parsed("http://[::1]:81/").host() == "[::1]");
    CHECK(parsed("http://[::1]:81/").authority() == "[::1]:81");
}

TEST_CASE("bad URLs are refused") {
    const std::string long_path(9'000, 'a');
    const std::string long_host(300, 'a');
    const std::vector<std::string> all_bad = {"",
                                              "a.example",
                                              "/path",
                                              "//a.example/",
                                              "ftp://a.example/",
                                              "file:///etc/passwd",
                                              "javascript:alert(1)",
                                              "http:/a.example",
                                              "http:///a.example",
                                              "http://",
                                              "https://",
                                              "http://user@a.example/",
                                              "http://user:word@a.example/",
                                              "http://@a.example/",
                                              "http://a.example:0/",
                                              "http://a.example:65536/",
                                              "http://a.example:x/",
                                              "http://a.example:-1/",
                                              "http://a.example/a b",
                                              " http://a.example/",
                                              "http://a.example/\n",
                                              "http://a.example/\r\nX: y",
                                              "http://a.example\\@b.example/",
                                              "http://a.example/\x7f",
                                              "http://\xc3\xa4.example/",
                                              "http://a.example/\xc3\xa4",
                                              "http://a%2eexample/",
                                              "http://a.example%00.b.example/",
                                              "http://[fe80::1%25eth0]/",
                                              "http://[::1",
                                              "http://a<b>/",
                                              "http://a,b/",
                                              "http://.a/",
                                              "gopher://a.example/",
                                              "http://a.example/" + long_path,
                                              "http://" + long_host + "/"};
    for (const auto& bad : all_bad) {
        const auto url = Url::parse(bad);
        CHECK_MESSAGE(!url, bad);
        if (!url) CHECK(url.error().kind == base::ErrorKind::invalid);
    }
    CHECK_FALSE(Url::parse(std::string_view("http://a.example/\0b", 19)));
}

TEST_CASE("a path is appended to the base path, without the query") {
    CHECK(parsed("http://a.example").with_path("/abc").text() == "http://a.example/abc");
    CHECK(parsed("http://a.example/base/?q=1").with_path("/abc").text() ==
          "http://a.example/base/abc");
    CHECK(parsed("http://a.example/base").with_path("abc").text() == "http://a.example/base/abc");
    CHECK(parsed("http://a.example").with_path("/a b?c#d\n").text() ==
          "http://a.example/a%20b%3Fc%23d%0A");
}

TEST_CASE("a query is set or taken away") {
    const auto url = parsed("http://a.example/list?old");
    CHECK(url.with_query("limit=5&x= ").text() == "http://a.example/list?limit=5&x=%20");
    CHECK(url.with_query("").text() == "http://a.example/list");
}

TEST_CASE("a redirect's target is meant from where it was found") {
    const auto from = parsed("https://a.example/x/y?z");
    CHECK(from.resolve("w")->text() == "https://a.example/x/w");
    CHECK(from.resolve("/w?v")->text() == "https://a.example/w?v");
    CHECK(from.resolve("//b.example/w")->text() == "https://b.example/w");
    CHECK(from.resolve("http://b.example:81/")->text() == "http://b.example:81/");
    for (const auto* bad : {"ftp://b.example/", "http://u@b.example/", "a b", "http://"})
        CHECK_MESSAGE(!from.resolve(bad), bad);
}
