// The log's lines: one per event, whatever bytes clients choose, and never the caller's time.
#include "base/log.h"

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "support/temp_dir.h"

using namespace espalier;
using base::Level;
using base::Log;

namespace {

// What is written to a log, in lines.
std::vector<std::string> lines_of(Log::Options options, const std::function<void(Log&)>& write) {
    const test::TempDir folder;
    options.path = (folder / "log").string();
    {
        Log log(options);
        write(log);
    }
    std::vector<std::string> lines;
    const auto text = folder.read("log");
    for (const auto line : base::split(text, '\n'))
        if (!line.empty()) lines.emplace_back(line);
    return lines;
}

constexpr std::string_view kNasty = "a\"b\\c\n=d\x01\x7f \xff\xc3\xa4";

}  // namespace

TEST_CASE("a line has time, level, message and fields") {
    const auto lines = lines_of({.path = {}}, [](Log& log) {
        log.info("upload", {{"status", std::int64_t{201}}, {"request", "r1"}});
        log.error("it broke");
    });
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].ends_with(" upload status=201 request=r1"));
    CHECK(lines[0].find(" info ") != std::string::npos);
    CHECK(lines[0].starts_with("20"));
    CHECK(lines[0][10] == 'T');
    CHECK(lines[1].ends_with("it broke"));
    CHECK(lines[1].find("error") != std::string::npos);
}

TEST_CASE("what is below the level is not written") {
    const auto lines = lines_of({.level = Level::warning, .path = {}}, [](Log& log) {
        CHECK_FALSE(log.enabled(Level::info));
        CHECK(log.enabled(Level::warning));
        log.debug("no");
        log.info("no");
        log.warning("yes");
        log.error("yes");
    });
    CHECK(lines.size() == 2);
}

TEST_CASE("whatever a value holds, its line stays one line and its fields stay apart") {
    const auto lines = lines_of({.path = {}}, [](Log& log) {
        log.info("first", {{"path", kNasty}, {"after", "plain"}, {"empty", ""}});
        log.info("a message\nwith a break");
        log.info("{} %v {0} %n", {{"value", "{} %v"}});
    });
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].find("path=\"a\\\"b\\\\c\\u000a=d\\u0001") != std::string::npos);
    CHECK(lines[0].ends_with(" after=plain empty=\"\""));
    CHECK(lines[1].ends_with("a message\\u000awith a break"));
    CHECK(lines[2].ends_with("{} %v {0} %n value=\"{} %v\""));
}

TEST_CASE("with format json every line is an object, whatever its values hold") {
    const auto lines = lines_of({.format = Log::Format::json, .path = {}}, [](Log& log) {
        log.warning("a \"quoted\"\nmessage", {{"path", kNasty}, {"n", std::int64_t{-5}}});
        log.info("bare");
    });
    REQUIRE(lines.size() == 2);
    const auto first = nlohmann::json::parse(lines[0], nullptr, false);
    REQUIRE(first.is_object());
    CHECK(first["message"] == "a \"quoted\"\nmessage");
    CHECK(first["level"] == "warning");
    CHECK(first["n"] == -5);
    CHECK(first["path"].get<std::string>().starts_with("a\"b\\c\n=d\x01"));
    CHECK(first["time"].get<std::string>().size() > 20);
    CHECK(nlohmann::json::parse(lines[1], nullptr, false)["message"] == "bare");
}

TEST_CASE("threads may log at once, and all that was queued is written at the end") {
    const auto lines = lines_of({.path = {}}, [](Log& log) {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (std::int64_t n = 0; n < 500; ++n) log.info("line", {{"n", n}});
            });
    });
    CHECK(lines.size() == 2000);
    for (const auto& line : lines) CHECK(line.find(" line n=") != std::string::npos);
}

TEST_CASE("when nobody takes the lines the oldest are dropped and the caller goes on") {
    const test::TempDir folder;
    const auto path = (folder / "pipe").string();
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const base::Fd pipe(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // full after 64 KiB
    std::string text;
    std::jthread reader;
    {
        Log log({.queue_lines_max = 16, .path = path});
        // Far more than pipe and queue hold; this returns although nothing is read.
        for (std::int64_t n = 0; n < 5000; ++n)
            log.info("line", {{"n", n}, {"padding", std::string(100, 'x')}});
        log.info("the last line");
        reader = std::jthread([&] {
            char buffer[4096];
            while (text.find("the last line") == std::string::npos)
                text.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(
                                        ::read(pipe.get(), buffer, sizeof buffer), 0)));
        });
    }
    reader.join();
    const auto lines = base::split(text, '\n').size();
    CHECK(lines < 2000);
    CHECK(lines >= 16);
}
