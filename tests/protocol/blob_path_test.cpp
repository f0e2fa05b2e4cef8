#include "protocol/blob_path.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "fixture.h"

namespace espalier::protocol {
namespace {

// The path "/<hash><ending>".
std::string path_with(std::string_view ending) {
    return base::text('/', kSomeHash, ending);
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

PathError error_of(std::string_view path) {
    const auto parsed = parse_blob_path(path);
    REQUIRE_FALSE(parsed);
    return parsed.error();
}

}  // namespace

TEST_CASE("a blob's path is its hash with or without an extension") {
    const auto plain = parse_blob_path(path_with(""));
    REQUIRE(plain);
    CHECK(plain->hash == some_hash());
    CHECK(plain->extension.empty());
    for (const std::string_view extension :
         {"pdf", "tar.gz", "M4V", "a", "x-y_z", "0123456789abcdef"}) {
        const auto path = parse_blob_path(path_with(base::text('.', extension)));
        REQUIRE(path);
        CHECK(path->hash == some_hash());
        CHECK(path->extension == extension);
    }
}

TEST_CASE("a path that goes on after the hash is no blob") {
    for (const std::string_view ending :
         {".", "/", "/x", ".pdf/", ".a/b", "0", "x", "-", "..%2f", ".p df", ".pdf?x", ".p\xc3\xa9",
          ".0123456789abcdefg", "%00"})
        CHECK(error_of(path_with(ending)) == PathError::not_a_blob);
    CHECK(error_of(path_with(std::string_view("\0", 1))) == PathError::not_a_blob);
}

TEST_CASE("a path that is no hash is no blob") {
    for (const std::string_view path : {"", "/", "/upload", "/list/x", "/favicon.ico", "*"})
        CHECK(error_of(path) == PathError::not_a_blob);
    CHECK(error_of(kSomeHash) == PathError::not_a_blob);
    CHECK(error_of(path_with("").substr(0, 64)) == PathError::not_a_blob);
    CHECK(error_of("/x" + path_with("").substr(2)) == PathError::not_a_blob);
    CHECK(error_of("//" + path_with("").substr(1)) == PathError::not_a_blob);
    CHECK(error_of("/blossom" + path_with("")) == PathError::not_a_blob);
}

TEST_CASE("upper-case digits make a bad hash, whatever the extension") {
    CHECK(error_of(upper(path_with(""))) == PathError::bad_hash);
    CHECK(error_of("/B" + path_with(".pdf").substr(2)) == PathError::bad_hash);
    CHECK(error_of("/B" + path_with("/more").substr(2)) == PathError::not_a_blob);
    CHECK(error_of("/G" + path_with("").substr(2)) == PathError::not_a_blob);
}

}  // namespace espalier::protocol
