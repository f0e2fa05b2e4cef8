// Bells: rings are heard, before the wait and across threads, and waking costs nothing.
#include "base/bell.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>

using namespace espalier;
using base::Bell;
using base::BellBoard;
using base::Deadline;
using base::Milliseconds;
using Tokens = std::vector<std::uint64_t>;

namespace {

Deadline now() {
    return Deadline::after(Milliseconds{0});
}
Deadline patient() {
    return Deadline::after(Milliseconds{30'000});
}

bool readable(int fd, Milliseconds patience = Milliseconds{0}) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace

TEST_CASE("a ring before the wait is heard") {
    Bell bell;
    bell.ring();
    CHECK(bell.wait(now()));
}

TEST_CASE("many rings in a row are one") {
    Bell bell;
    for (int i = 0; i < 5; ++i) bell.ring();
    CHECK(bell.wait(now()));
    CHECK_FALSE(bell.wait(now()));
}

TEST_CASE("a wait without a ring ends at its deadline") {
    Bell bell;
    const auto until = Deadline::after(Milliseconds{20});
    CHECK_FALSE(bell.wait(until));
    CHECK(until.passed());
}

TEST_CASE("clear() tells whether there was a ring and forgets it") {
    Bell bell;
    CHECK_FALSE(bell.clear());
    bell.ring();
    CHECK(bell.clear());
    CHECK_FALSE(bell.clear());
    CHECK_FALSE(bell.wait(now()));
    bell.ring();
    CHECK(bell.wait(now()));
}

TEST_CASE("a bell's descriptor is readable from the ring to the clear") {
    Bell bell;
    CHECK_FALSE(readable(bell.fd()));
    bell.ring();
    CHECK(readable(bell.fd()));
    bell.clear();
    CHECK_FALSE(readable(bell.fd()));
}

TEST_CASE("a ring wakes a thread that waits") {
    Bell bell;
    bool heard = false;
    {
        const std::jthread waiter([&] { heard = bell.wait(patient()); });
        bell.ring();
    }
    CHECK(heard);
}

TEST_CASE("two threads hand a number back and forth without missing a ring") {
    Bell ping, pong;
    std::atomic<int> number{0};
    constexpr int kLast = 20'000;
    {
        const std::jthread other([&] {
            for (int want = 1; want < kLast; want += 2) {
                while (number != want)
                    if (!ping.wait(patient())) return;
                ++number;
                pong.ring();
            }
        });
        for (int want = 0; want < kLast; want += 2) {
            while (number != want)
                if (!pong.wait(patient())) break;
            ++number;
            ping.ring();
        }
    }
    CHECK(number >= kLast);
}

TEST_CASE("who waits for the descriptor beside others' never sleeps through a ring") {
    for (int round = 0; round < 200; ++round) {
        Bell bell;
        std::atomic<int> changes{0};
        constexpr int kChanges = 200;
        const std::jthread ringer([&] {
            for (int i = 0; i < kChanges; ++i) {
                ++changes;
                bell.ring();
            }
        });
        bool slept = false;
        for (bell.clear(); changes < kChanges && !slept; bell.clear())
            slept = !readable(bell.fd(), Milliseconds{20'000});
        REQUIRE_FALSE(slept);
    }
}

TEST_CASE("when a ring and a clear have met, the descriptor still tells the truth") {
    // A ring marks first and signals then. Were a mark left without its signal, the next ring
    // would wake nobody; were a signal left that no clear takes away, the waiter would never rest.
    constexpr int kRounds = 3000;
    Bell bell;
    std::atomic<int> begun{0};
    std::atomic<int> rung{0};
    const std::jthread ringer([&] {
        for (int round = 1; round <= kRounds; ++round) {
            while (begun != round) std::this_thread::yield();
            bell.ring();
            rung = round;
        }
    });
    int unheard = 0;
    int restless = 0;
    for (int round = 1; round <= kRounds; ++round) {
        bell.clear();
        if (round % 2 == 0) bell.ring();
        begun = round;
        while (!bell.clear() && rung != round) continue;
        while (rung != round) std::this_thread::yield();
        const bool was_readable = readable(bell.fd());
        if (bell.clear() && !was_readable) ++unheard;
        if (readable(bell.fd())) ++restless;
    }
    CHECK(unheard == 0);
    CHECK(restless == 0);
}

TEST_CASE("a board tells which of its bells rang, in order and once each") {
    BellBoard board;
    Bell one(board, 1), two(board, 2), three(board, 3);
    CHECK(board.wait(now()).empty());
    three.ring();
    one.ring();
    three.ring();
    CHECK(board.wait(now()) == Tokens{3, 1});
    CHECK(board.wait(now()).empty());
}

TEST_CASE("a bell on a board rings again only after it was cleared") {
    BellBoard board;
    Bell one(board, 1);
    one.ring();
    CHECK(board.wait(now()) == Tokens{1});
    one.ring();
    CHECK(board.wait(now()).empty());
    CHECK(one.clear());
    one.ring();
    CHECK(board.wait(now()) == Tokens{1});
}

TEST_CASE("a board's descriptor is readable while tokens wait") {
    BellBoard board;
    Bell one(board, 1), two(board, 2);
    CHECK_FALSE(readable(board.fd()));
    one.ring();
    two.ring();
    CHECK(readable(board.fd()));
    CHECK(board.take() == Tokens{1, 2});
    CHECK_FALSE(readable(board.fd()));
    CHECK(board.take().empty());
}

TEST_CASE("a bell may outlive its board") {
    auto board = std::make_unique<BellBoard>();
    Bell one(*board, 1);
    board.reset();
    one.ring();
    CHECK(one.clear());
}

TEST_CASE("a board hears every bell that many threads ring") {
    BellBoard board;
    constexpr std::uint64_t kBells = 4;
    constexpr int kRings = 2000;
    std::vector<std::unique_ptr<Bell>> bells;
    std::array<std::atomic<int>, kBells> said{};
    for (std::uint64_t token = 0; token < kBells; ++token)
        bells.push_back(std::make_unique<Bell>(board, token));
    std::vector<std::jthread> threads;
    for (std::uint64_t token = 0; token < kBells; ++token)
        threads.emplace_back([&, token] {
            for (int i = 0; i < kRings; ++i) {
                ++said[token];
                bells[token]->ring();
            }
        });
    std::array<int, kBells> heard{};
    while (std::ranges::any_of(heard, [](int n) { return n < kRings; })) {
        const auto rung = board.wait(patient());
        REQUIRE_FALSE(rung.empty());
        for (const auto token : rung) {
            bells[token]->clear();
            heard[token] = said[token];
        }
    }
    CHECK(std::ranges::all_of(heard, [](int n) { return n == kRings; }));
}

TEST_CASE("whoever waits for fd() hears every ring, also one that comes during clear()") {
    constexpr int kRounds = 20'000;
    Bell bell;
    std::atomic<bool> enough{false};
    const auto ring = [&] {
        while (!enough) bell.ring();
    };
    std::jthread first(ring);
    std::jthread second(ring);
    bool heard = true;
    for (int i = 0; i < kRounds && heard; ++i) {
        heard = readable(bell.fd(), Milliseconds{10'000});
        bell.clear();
    }
    enough = true;
    CHECK(heard);
}
