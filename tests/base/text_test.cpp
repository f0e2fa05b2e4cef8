// Text, header fields, budgets and slices.
#include "base/text.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/budget.h"
#include "base/headers.h"
#include "base/slice.h"

using namespace espalier;
using base::Budget;
using base::Headers;
using base::Lease;
using base::Slice;
using Parts = std::vector<std::string_view>;

TEST_CASE("text() joins strings, characters and numbers") {
    CHECK(base::text("a", 'b', 12, std::string("c"), std::uint64_t{18446744073709551615ULL}, -7) ==
          "ab12c18446744073709551615-7");
    CHECK(base::text().empty());
}

TEST_CASE("case is folded for ASCII only") {
    CHECK(base::ascii_lower("AbZ\xc3\x84[@`{") == "abz\xc3\x84[@`{");
    CHECK(base::equal_ignoring_case("X-Sha-256", "x-SHA-256"));
    CHECK_FALSE(base::equal_ignoring_case("abc", "abcd"));
    CHECK_FALSE(base::equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

TEST_CASE("trim takes spaces and tabs off both ends, nothing else") {
    CHECK(base::trim(" \t a b\t ") == "a b");
    CHECK(base::trim("a") == "a");
    CHECK(base::trim(" \t").empty());
    CHECK(base::trim("").empty());
    CHECK(base::trim("\na\r") == "\na\r");
}

TEST_CASE("split keeps empty parts") {
    CHECK(base::split("a,b,c", ',') == Parts{"a", "b", "c"});
    CHECK(base::split(",a,,", ',') == Parts{"", "a", "", ""});
    CHECK(base::split("", ',') == Parts{""});
}

TEST_CASE("a number is digits and nothing else, and fits") {
    CHECK(base::parse_number("0") == 0);
    CHECK(base::parse_number("007") == 7);
    CHECK(base::parse_number("18446744073709551615") == 18446744073709551615ULL);
    for (const auto* const wrong :
         {"", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "18446744073709551616", "12a"}) {
        CAPTURE(std::string(wrong));
        CHECK(base::parse_number(wrong) == std::nullopt);
    }
}

TEST_CASE("one_line leaves one short line of printable ASCII") {
    CHECK(base::one_line("fine: (ok) ~", 100) == "fine: (ok) ~");
    CHECK(base::one_line("a\r\nSet-Cookie: x\t\x7f\xc3\xa4", 100) == "a??Set-Cookie: x????");
    CHECK(base::one_line("abcdef", 3) == "abc");
    CHECK(base::one_line("", 3).empty());
}

TEST_CASE("header names compare without regard to case, and keep their order") {
    Headers headers{{"Content-Type", "text/plain"}};
    headers.add("X-Reason", "one");
    headers.add("x-reason", "two");
    CHECK(headers.value("CONTENT-TYPE") == "text/plain");
    CHECK(headers.get("X-REASON") == "one");
    CHECK(headers.count("x-Reason") == 2);
    CHECK(headers.size() == 3);
    CHECK_FALSE(headers.has("X-Other"));
    CHECK(headers.get("X-Other") == std::nullopt);
    CHECK(headers.value("X-Other").empty());
}

TEST_CASE("set replaces every field of a name, remove takes them all") {
    Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}};
    headers.set("a", "4");
    CHECK(headers.count("A") == 1);
    CHECK(headers.value("A") == "4");
    CHECK(headers.value("B") == "2");
    headers.remove("b");
    CHECK(headers.size() == 1);
    headers.remove("nothing");
    CHECK_FALSE(headers.empty());
}

TEST_CASE("a budget gives what fits and no more") {
    Budget budget(10);
    CHECK(budget.take(10));
    CHECK_FALSE(budget.take(1));
    CHECK(budget.take(0));
    budget.give_back(4);
    CHECK_FALSE(budget.take(5));
    CHECK(budget.take(4));
    CHECK(budget.used() == 10);
    CHECK_FALSE(budget.take(~0ULL));  // no overflow
    CHECK(budget.used() == 10);
}

TEST_CASE("a lease gives back what it holds when it dies, once, wherever it was moved") {
    Budget budget(100);
    {
        Lease one(budget);
        CHECK(one.take(30));
        CHECK_FALSE(one.take(80));
        one.give_back(10);
        CHECK(one.held() == 20);
        Lease other = std::move(one);
        CHECK(other.held() == 20);
        CHECK(budget.used() == 20);
        Lease third(budget);
        CHECK(third.take(5));
        third = std::move(other);
        CHECK(third.held() == 20);
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("threads never draw more from a budget than it has") {
    Budget budget(1000);
    std::atomic<bool> over{false};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                Lease lease(budget);
                for (int n = 0; n < 5000; ++n) {
                    const auto amount = static_cast<std::uint64_t>(7 + n % 400);
                    if (lease.take(amount)) {
                        if (budget.used() > 1000) over = true;
                        lease.give_back(amount);
                    }
                }
            });
    }
    CHECK_FALSE(over);
    CHECK(budget.used() == 0);
}

TEST_CASE("a slice is a piece of a block that lives as long as its last slice") {
    auto slice = Slice::copy_of("hello, world");
    const auto front = slice.take_front(5);
    const auto text = [](const Slice& s) {
        return std::string(reinterpret_cast<const char*>(s.bytes().data()), s.size());
    };
    CHECK(text(front) == "hello");
    CHECK(text(slice) == ", world");
    slice = {};
    CHECK(slice.empty());
    CHECK(text(front) == "hello");
    CHECK(Slice::copy_of("").empty());
}

TEST_CASE("abridged text shows the beginnings of hashes, keys and tokens") {
    const std::string hash(64, 'a');
    CHECK(base::abridged("") == "");
    CHECK(base::abridged("a plain sentence, with 12345 and words.") ==
          "a plain sentence, with 12345 and words.");
    CHECK(base::abridged(hash) == "aaaaaaaa...");
    CHECK(base::abridged("blob " + hash + "/x is gone") == "blob aaaaaaaa.../x is gone");
    CHECK(base::abridged("npub1" + std::string(58, 'q')) == "npub1qqq...");
    CHECK(base::abridged(std::string(40, 'z')) == std::string(40, 'z'));
}
