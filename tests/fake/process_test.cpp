#include "support/process.h"

#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "base/text.h"
#include "support/bytes.h"
#include "support/manual_clock.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"

using namespace espalier::test;
using espalier::base::Milliseconds;

namespace {

Process::Options shell(const std::string& script) {
    return {.argv = {"/bin/sh", "-c", script}};
}

}  // namespace

TEST_CASE("a child's lines are read as they come and its exit code at the end") {
    Process child(shell("echo one; echo two >&2; read word; echo got $word; exit 3"));
    CHECK(child.wait_for_line("one") == "one");
    CHECK(child.wait_for_line("two") == "two");
    CHECK(child.running());
    child.send_input("three\n");
    CHECK(child.wait_exit() == 3);
    CHECK(child.wait_for_line("got") == "got three");
    CHECK_FALSE(child.wait_for_line("never"));
    CHECK(child.lines().size() == 3);
}

TEST_CASE("a child has the folder and the environment it was given") {
    const TempDir dir;
    dir.write("here.txt", "yes");
    auto options = shell("cat here.txt; echo; echo $WORD");
    options.cwd = dir.path().string();
    options.env = {{"WORD", "word"}};
    Process child(options);
    CHECK(child.wait_exit() == 0);
    CHECK(child.output() == "yes\nword\n");
}

TEST_CASE("a signal ends a child and is told") {
    Process child(shell("echo up; exec sleep 1000"));
    REQUIRE(child.wait_for_line("up"));
    CHECK(child.usage().threads == 1);
    CHECK(child.usage().open_files >= 3);
    child.signal(SIGTERM);
    CHECK(child.wait_exit() == 128 + SIGTERM);
    CHECK_FALSE(child.running());
}

TEST_CASE("a child that still runs does not outlive its object") {
    pid_t pid = 0;
    {
        const Process child(shell("exec sleep 1000"));
        pid = child.pid();
    }
    CHECK(::kill(pid, 0) == -1);
}

TEST_CASE("a fake server runs as a program of its own") {
    Process program({.argv = {FAKE_BLOSSOM_BINARY, "--profile", "nostrcheck", "--log"}});
    const auto line = program.wait_for_line("listening on http://127.0.0.1:");
    REQUIRE(line);
    const auto port = espalier::base::parse_number(line->substr(line->rfind(':') + 1));
    REQUIRE(port);
    const auto path = "/" + sha256_hex("none");
    CHECK(http_request(static_cast<std::uint16_t>(*port), "HEAD", path).status == 200);
    CHECK(program.wait_for_line("HEAD " + path));
    program.signal(SIGTERM);
    CHECK(program.wait_exit() == 0);
}

TEST_CASE("a fake server of an unknown profile does not start") {
    Process program({.argv = {FAKE_BLOSSOM_BINARY, "--profile", "nobody"}});
    CHECK(program.wait_exit() == 2);
}

TEST_CASE("a manual clock moves only when told") {
    ManualClock clock(1000);
    const auto start = clock.now();
    CHECK(clock.unix_now() == 1000);
    clock.advance(Milliseconds(1500));
    CHECK(clock.now() - start == Milliseconds(1500));
    CHECK(clock.unix_now() == 1001);
}

TEST_CASE("a temp folder goes away with its files") {
    std::filesystem::path path;
    {
        const TempDir dir;
        path = dir.path();
        dir.write("a", "text");
        CHECK(dir.read("a") == "text");
        CHECK(dir.read("b").empty());
    }
    CHECK_FALSE(std::filesystem::exists(path));
}
