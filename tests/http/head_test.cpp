// The head reader by itself: what it makes of good heads, and that nothing upsets it.
#include "http/head.h"

#include <memory>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "base/text.h"

namespace espalier::http {
namespace {

using Kind = HeadOutcome::Kind;

const std::string kGood =
    "PUT /upload/a%20b?x=1&y=2?3 HTTP/1.1\r\n"
    "Host: gate.example:8080\r\n"
    "Content-Length: 42\r\n"
    "X-Empty:\r\n"
    "x-odd: \t a\x80z \t\r\n"
    "Expect: 100-CONTINUE\r\n"
    "Connection: foo, Keep-Alive\r\n"
    "\r\n";

TEST_CASE("a good head is read into its parts") {
    Head head;
    const auto outcome = read_head(kGood + "body", 0, head);
    REQUIRE(outcome.kind == Kind::complete);
    CHECK(outcome.bytes == kGood.size());
    Head again;
    const auto text = kGood;
    read_head(text, 0, again);
    CHECK(again.method == "PUT");
    CHECK(again.target == "/upload/a%20b?x=1&y=2?3");
    CHECK(again.path == "/upload/a%20b");
    CHECK(again.query == "x=1&y=2?3");
    CHECK(again.host == "gate.example:8080");
    CHECK(again.headers.size() == 6);
    CHECK(again.header("CONTENT-length") == "42");
    CHECK(again.header("x-empty") == "");
    CHECK(again.value("X-Odd") == "a\x80z");
    CHECK_FALSE(again.header("x-none"));
    CHECK(again.content_length == 42);
    CHECK(again.has_body());
    CHECK(again.expects_continue);
    CHECK(again.keep_alive);
    CHECK_FALSE(again.chunked);
    CHECK_FALSE(again.http10);
}

TEST_CASE("a head is incomplete until its last byte, wherever reading went on") {
    Head head;
    for (std::size_t size = 0; size < kGood.size(); ++size) {
        const std::string_view part(kGood.data(), size);
        for (const auto seen : {std::size_t{0}, size / 2, size > 0 ? size - 1 : 0}) {
            CHECK(read_head(part, seen, head).kind == Kind::incomplete);
        }
    }
    for (std::size_t seen = 0; seen < kGood.size(); ++seen) {
        CHECK(read_head(kGood, seen, head).kind == Kind::complete);
    }
}

TEST_CASE("a Head that is read into again keeps nothing of before") {
    Head head;
    read_head(kGood, 0, head);
    const std::string plain = "GET / HTTP/1.0\r\n\r\n";
    REQUIRE(read_head(plain, 0, head).kind == Kind::complete);
    CHECK(head.query.empty());
    CHECK(head.host.empty());
    CHECK(head.headers.empty());
    CHECK_FALSE(head.has_body());
    CHECK_FALSE(head.expects_continue);
    CHECK_FALSE(head.keep_alive);
    CHECK(head.http10);
}

TEST_CASE("the longest allowed head is read and one byte more is not") {
    const std::string front = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
    const std::string fits =
        front + std::string(kHeadBytesMax - front.size() - 4, 'a') + "\r\n\r\n";
    Head head;
    CHECK(read_head(fits, 0, head).kind == Kind::complete);
    const std::string over =
        front + std::string(kHeadBytesMax - front.size() - 3, 'a') + "\r\n\r\n";
    CHECK(read_head(over, 0, head).refusal.status == 431);
}

// What may never be true of an accepted head.
bool is_sound(const Head& head) {
    const auto clean = [](std::string_view text) {
        return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
    };
    bool sound = clean(head.target) && !head.method.empty() && !head.path.empty() &&
                 !(head.chunked && head.content_length);
    int hosts = 0;
    for (const auto& [name, value] : head.headers) {
        sound = sound && clean(name) && clean(value) && !name.empty() &&
                name.find_first_of(" \t:") == name.npos;
        hosts += base::equal_ignoring_case(name, "host") ? 1 : 0;
    }
    return sound && (head.http10 ? hosts <= 1 : hosts == 1);
}

TEST_CASE("no mutation of a head upsets the reader, and what it accepts is sound") {
    std::mt19937 dice(20240607);
    const std::string seeds[] = {
        kGood,
        "GET http://h/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
    };
    const std::string spice = std::string("\r\n\0\t :,;0x+-/?*#", 16) + "\x80\xff";
    int accepted = 0;
    for (int round = 0; round < 40'000; ++round) {
        std::string text = seeds[dice() % 3];
        for (auto changes = dice() % 4 + 1; changes > 0; --changes) {
            const auto at = dice() % text.size();
            switch (dice() % 4) {
                case 0:
                    text[at] = spice[dice() % spice.size()];
                    break;
                case 1:
                    text.erase(at, dice() % 5 + 1);
                    break;
                case 2:
                    text.insert(at, 1, spice[dice() % spice.size()]);
                    break;
                default:
                    text.insert(at, text, dice() % text.size(), dice() % 40);
                    break;
            }
            if (text.empty()) text = "G";
        }
        // An exact heap block, so that the sanitizer sees any step beyond it.
        const auto exact = std::make_unique<char[]>(text.size());
        text.copy(exact.get(), text.size());
        const std::string_view input(exact.get(), text.size());
        Head head;
        const auto outcome = read_head(input, dice() % (text.size() + 1) / 4, head);
        if (outcome.kind == Kind::refused) REQUIRE(outcome.refusal.status >= 400);
        if (outcome.kind != Kind::complete) continue;
        ++accepted;
        REQUIRE(outcome.bytes <= input.size());
        CAPTURE(text);
        REQUIRE(is_sound(head));
    }
    CHECK(accepted > 1000);
}

}  // namespace
}  // namespace espalier::http
