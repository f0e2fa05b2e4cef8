// The files that the build has put into the program.
#include "dashboard/assets.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace espalier;
using dashboard::find_asset;

namespace {

std::string file(const std::string& name) {
    std::ifstream in(ESPALIER_SOURCE_DIR "/web/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("the page and its parts are the files of web/, byte for byte") {
    REQUIRE(find_asset("/"));
    CHECK(find_asset("/")->bytes == file("index.html"));
    CHECK(find_asset("/")->type == "text/html; charset=utf-8");
    CHECK(find_asset("/assets/app.js")->bytes == file("app.js"));
    CHECK(find_asset("/assets/style.css")->type == "text/css; charset=utf-8");
    CHECK(find_asset("/assets/icon.svg")->type == "image/svg+xml");
    CHECK(find_asset("/assets/uplot.js")->bytes.size() > 10'000);
    CHECK_FALSE(find_asset("/assets/package.json"));
    CHECK_FALSE(find_asset("/assets/"));
}

TEST_CASE("paths and etags are one a file") {
    std::set<std::string_view> paths, etags;
    for (const auto& asset : dashboard::assets()) {
        CHECK(paths.insert(asset.path).second);
        CHECK(etags.insert(asset.etag).second);
        CHECK(asset.etag.size() == 18);
    }
}

TEST_CASE("the documentation is made into pages, whose links lead to pages") {
    const auto* const contents = find_asset("/docs");
    REQUIRE(contents);
    CHECK(contents->bytes.find("<h1>") != std::string_view::npos);
    CHECK(contents->bytes.find(".md\"") == std::string_view::npos);
    CHECK(contents->bytes.find('@') == std::string_view::npos);
}
