#include "store/files.h"

#include <filesystem>
#include <optional>
#include <string_view>

#include <doctest/doctest.h>
#include <fcntl.h>

#include "store/pace.h"
#include "support/temp_dir.h"

using namespace espalier;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("a full disk is a storage error that names the file") {
    const base::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    const auto written = store::write_all(full.get(), bytes_of("x"), "/dev/full");
    REQUIRE_FALSE(written);
    CHECK(written.error().kind == base::ErrorKind::storage);
    CHECK(written.error().reason == "cannot write /dev/full: No space left on device");
}

TEST_CASE("clearing a folder removes its files and leaves its folders") {
    test::TempDir temp;
    temp.write("one", "1");
    temp.write("two", "2");
    std::filesystem::create_directory(temp / "inner");
    temp.write("inner/three", "3");
    REQUIRE(store::clear_folder(temp.path().string()));
    CHECK_FALSE(std::filesystem::exists(temp / "one"));
    CHECK_FALSE(std::filesystem::exists(temp / "two"));
    CHECK(temp.read("inner/three") == "3");
    CHECK_FALSE(store::clear_folder((temp / "absent").string()));
}

TEST_CASE("making a folder that is there is fine, one without a parent is not") {
    test::TempDir temp;
    CHECK(store::make_folder((temp / "a").string()));
    CHECK(store::make_folder((temp / "a").string()));
    CHECK_FALSE(store::make_folder((temp / "b/c").string()));
    CHECK(store::sync_folder((temp / "a").string()));
    CHECK_FALSE(store::sync_folder((temp / "b").string()));
}

TEST_CASE("a lock is held by one until it is closed") {
    test::TempDir temp;
    const auto path = (temp / "lock").string();
    std::optional held(store::lock_file(path));
    REQUIRE(*held);
    const auto second = store::lock_file(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == base::ErrorKind::unavailable);
    held.reset();
    CHECK(store::lock_file(path));
}

TEST_CASE("a pace takes small portions and none takes what it is given") {
    CHECK(store::Pace(0).portion(1000) == 1000);
    CHECK(store::Pace(1000).portion(1000) == 100);
    CHECK(store::Pace(1'000'000).portion(1000) == 1000);
    CHECK(store::Pace(1).portion(1000) == 1);
}
