// Laggards: what no longer fits into memory goes to an unlinked file, within a budget.
#include <filesystem>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "spool_fixture.h"
#include "support/bytes.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("a laggard reads the same bytes from the file") {
    const SpoolFixture f({.window = 64, .block = 16});
    const auto fast = f.spool->attach();
    const auto laggard = f.spool->attach();
    const auto bytes = make_bytes(1000);
    std::string got;
    for (std::size_t done = 0; done < bytes.size(); done += 10) {
        f.append(std::string_view(bytes).substr(done, 10));
        got += drain(*fast);
    }
    CHECK(f.spool->spilled_bytes() > 800);
    CHECK(f.memory.used() <= 64 + 16);
    f.spool->seal(Spool::Seal::good);
    got += drain(*fast);
    CHECK((got == bytes));
    CHECK((drain(*laggard) == bytes));
    CHECK_FALSE(f.spool->lost_any());
}

TEST_CASE("nothing is written to disk while all readers keep pace") {
    const SpoolFixture f({.window = 64, .block = 16});
    const auto one = f.spool->attach();
    const auto other = f.spool->attach();
    for (int i = 0; i < 100; ++i) {
        f.append(make_bytes(30));
        drain(*one);
        drain(*other);
    }
    CHECK(f.spool->spilled_bytes() == 0);
    CHECK(f.disk.used() == 0);
}

TEST_CASE("the file has no name, not even while it is in use") {
    const SpoolFixture f({.window = 32, .block = 16});
    const auto laggard = f.spool->attach();
    f.append(make_bytes(5000));
    CHECK(f.spool->spilled_bytes() > 0);
    CHECK(std::filesystem::is_empty(f.folder.path()));
}

TEST_CASE("a disk budget that is used up loses the laggard and nobody else") {
    const SpoolFixture f({.disk = 100, .window = 64, .block = 16});
    const auto fast = f.spool->attach();
    const auto laggard = f.spool->attach();
    const auto bytes = make_bytes(2000);
    std::string got;
    for (std::size_t done = 0; done < bytes.size(); done += 10) {
        CHECK(f.append(std::string_view(bytes).substr(done, 10)) == 10);
        got += drain(*fast);
        CHECK(f.disk.used() <= 100);
    }
    CHECK(f.spool->lost_any());
    CHECK(laggard->read(10).status == Status::lost);
    f.spool->seal(Spool::Seal::good);
    got += drain(*fast);
    CHECK((got == bytes));
    CHECK(laggard->read(10).status == Status::lost);
}

TEST_CASE("a laggard that is lost no longer holds memory") {
    const SpoolFixture f({.disk = 0, .window = 64, .block = 16});
    const auto fast = f.spool->attach();
    const auto laggard = f.spool->attach();
    for (int i = 0; i < 20; ++i) {
        f.append(make_bytes(16));
        drain(*fast);
    }
    CHECK(f.spool->lost_any());
    CHECK(f.memory.used() <= 16);
    CHECK(f.spool->spilled_bytes() == 0);
}

TEST_CASE("of two laggards only the one whose bytes are gone is lost") {
    const SpoolFixture f({.disk = 0, .window = 64, .block = 16});
    const auto nearer = f.spool->attach();
    const auto farther = f.spool->attach();
    const auto bytes = make_bytes(96);
    f.append(std::string_view(bytes).substr(0, 64));
    auto got = text_of(nearer->read(16).slice);
    got += text_of(nearer->read(16).slice);
    f.append(std::string_view(bytes).substr(64));
    f.spool->seal(Spool::Seal::good);
    CHECK(farther->read(10).status == Status::lost);
    got += drain(*nearer);
    CHECK((got == bytes));
}

TEST_CASE("a folder that cannot be written to loses laggards, never the spool") {
    SpoolFixture f;
    const auto spool = std::make_shared<Spool>(
        Spool::Options{
            .window_bytes = 32, .block_bytes = 16, .folder = (f.folder / "missing").string()},
        f.memory, f.disk);
    f.spool = spool;
    const auto fast = spool->attach();
    const auto laggard = spool->attach();
    const auto bytes = make_bytes(500);
    std::string got;
    for (std::size_t done = 0; done < bytes.size(); done += 10) {
        CHECK(f.append(std::string_view(bytes).substr(done, 10)) == 10);
        got += drain(*fast);
    }
    spool->seal(Spool::Seal::good);
    got += drain(*fast);
    CHECK((got == bytes));
    CHECK(laggard->read(10).status == Status::lost);
}

TEST_CASE("memory that is used up sends a body to disk when its readers do not move yet") {
    const SpoolFixture f({.memory = 32, .window = 1 << 20, .block = 16});
    const auto one = f.spool->attach();
    const auto other = f.spool->attach();
    const auto bytes = make_bytes(1000);
    CHECK(f.append(bytes, WhenFull::spill) == 1000);
    CHECK(f.memory.used() <= 32);
    CHECK(f.spool->spilled_bytes() >= 1000 - 48);
    f.spool->seal(Spool::Seal::good);
    CHECK((drain(*one) == bytes));
    CHECK((drain(*other) == bytes));
}

TEST_CASE("with neither memory nor disk left a body that nobody reads yet is lost") {
    const SpoolFixture f({.memory = 32, .disk = 64, .window = 1 << 20, .block = 16});
    const auto reader = f.spool->attach();
    CHECK(f.append(make_bytes(1000), WhenFull::spill) == 1000);
    CHECK(f.spool->lost_any());
    CHECK(reader->read(10).status == Status::lost);
}

TEST_CASE("whatever the sizes and the order of steps, every reader gets the body") {
    std::mt19937 dice(42);  // NOLINT(cert-msc51-cpp): the same run every time
    const auto up_to = [&](std::size_t end) { return 1 + dice() % end; };
    for (int round = 0; round < 150; ++round) {
        CAPTURE(round);
        const SpoolFixture f({.memory = dice() % 3 == 0 ? up_to(500) : kPlenty,
                              .window = up_to(300),
                              .block = up_to(70),
                              .hold_back = dice() % 5});
        const auto body = make_bytes(up_to(5000), dice());
        struct Side {
            std::unique_ptr<Spool::Reader> reader;
            std::string got;
            Status last = Status::wait;
        };
        std::vector<Side> sides;
        for (std::size_t i = up_to(4); i > 0; --i) sides.push_back({f.spool->attach(), {}});
        const auto read_some = [&](Side& side) {
            const auto read = side.reader->read(up_to(200));
            side.last = read.status;
            if (read.status == Status::bytes) side.got += text_of(read.slice);
        };
        for (std::size_t done = 0; done < body.size();) {
            done += f.append(std::string_view(body).substr(done, up_to(150)));
            // The first one hurries, the last one dawdles.
            for (std::size_t i = 0; i < sides.size(); ++i)
                if (dice() % (i * 4 + 1) == 0) read_some(sides[i]);
        }
        f.spool->seal(Spool::Seal::good);
        for (Side& side : sides) {
            while (side.last != Status::end && side.last != Status::lost) read_some(side);
            REQUIRE((side.got == body));
        }
        REQUIRE_FALSE(f.spool->lost_any());
        REQUIRE(std::filesystem::is_empty(f.folder.path()));
    }
}

TEST_CASE("whatever the budgets, what a reader got before it was lost is right") {
    std::mt19937 dice(43);  // NOLINT(cert-msc51-cpp): the same run every time
    const auto up_to = [&](std::size_t end) { return 1 + dice() % end; };
    int lost = 0;
    for (int round = 0; round < 150; ++round) {
        CAPTURE(round);
        const auto block = up_to(70);
        const SpoolFixture f(
            {.memory = up_to(300), .disk = up_to(1500), .window = up_to(300), .block = block});
        const auto body = make_bytes(up_to(4000), dice());
        const auto fast = f.spool->attach();
        const auto laggard = f.spool->attach();
        std::string got, got_late;
        std::size_t turns = 0;
        for (std::size_t done = 0; done < body.size() && turns < 100'000; ++turns) {
            done += f.append(std::string_view(body).substr(done, up_to(block)), WhenFull::wait);
            got += drain(*fast);
            if (dice() % 8 == 0) got_late += text_of(laggard->read(up_to(100)).slice);
            // The writer waits for the laggard when memory is used up.
            if (f.memory.used() + 70 > f.memory.limit()) got_late += drain(*laggard);
        }
        f.spool->seal(Spool::Seal::good);
        Status last{};
        got_late += drain(*laggard, &last);
        got += drain(*fast);
        REQUIRE((got == body));
        REQUIRE(body.starts_with(got_late));
        REQUIRE((last == Status::lost || got_late == body));
        if (last == Status::lost) ++lost;
    }
    CHECK(lost > 0);
}
