// What readers see of a Spool, and when.
#include <doctest/doctest.h>

#include "spool_fixture.h"
#include "support/bytes.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("what is appended is read, and the end comes with a good seal") {
    const SpoolFixture f;
    const auto reader = f.spool->attach();
    CHECK(reader->read(100).status == Status::wait);
    f.append("hello, reader");
    f.spool->seal(Spool::Seal::good);
    Status last{};
    CHECK(drain(*reader, &last) == "hello, reader");
    CHECK(last == Status::end);
    CHECK(reader->offset() == 13);
    CHECK(f.spool->size() == 13);
}

TEST_CASE("an empty spool sealed good is at its end at once") {
    const SpoolFixture f;
    const auto reader = f.spool->attach();
    f.spool->seal(Spool::Seal::good);
    CHECK(reader->read(1).status == Status::end);
}

TEST_CASE("the held-back bytes are not seen before a good seal") {
    for (const std::uint64_t hold_back : {std::uint64_t{1}, std::uint64_t{64} * 1024}) {
        const SpoolFixture f({.window = 1 << 20, .block = 64 * 1024, .hold_back = hold_back});
        const auto reader = f.spool->attach();
        const auto bytes = make_bytes(200'000);
        std::string got;
        for (std::size_t done = 0; done < bytes.size(); done += 777) {
            f.append(std::string_view(bytes).substr(done, 777));
            got += drain(*reader);
            const auto size = f.spool->size();
            CHECK(got.size() == (size > hold_back ? size - hold_back : 0));
        }
        f.spool->seal(Spool::Seal::good);
        Status last{};
        got += drain(*reader, &last);
        CHECK(last == Status::end);
        CHECK(got == bytes);
    }
}

TEST_CASE("a body no longer than what is held back is seen whole or not at all") {
    for (const auto* const body : {"x", "four"}) {
        const SpoolFixture f({.hold_back = 4});
        const auto reader = f.spool->attach();
        f.append(body);
        CHECK(reader->read(100).status == Status::wait);
        f.spool->seal(Spool::Seal::good);
        CHECK(drain(*reader) == body);
    }
}

TEST_CASE("after a failed seal no reader gets another byte") {
    const SpoolFixture f;
    const auto fast = f.spool->attach();
    const auto slow = f.spool->attach();
    f.append("some bytes that were written before");
    CHECK(drain(*fast).size() == 34);
    f.spool->seal(Spool::Seal::failed);
    CHECK(fast->read(100).status == Status::failed);
    CHECK(slow->read(100).status == Status::failed);
}

TEST_CASE("every reader is at its own offset") {
    const SpoolFixture f;
    const auto one = f.spool->attach();
    const auto other = f.spool->attach();
    f.append("0123456789");
    CHECK(text_of(one->read(4).slice) == "0123");
    CHECK(text_of(other->read(2).slice) == "01");
    CHECK(text_of(one->read(4).slice) == "4567");
    CHECK(text_of(other->read(100).slice) == "2345678");
    CHECK(one->offset() == 8);
    CHECK(other->offset() == 9);
    f.spool->seal(Spool::Seal::good);
    CHECK(drain(*one) == "89");
    CHECK(drain(*other) == "9");
}

TEST_CASE("a read gives no more than was asked for") {
    const SpoolFixture f;
    const auto reader = f.spool->attach();
    f.append("0123456789");
    f.spool->seal(Spool::Seal::good);
    CHECK(reader->read(3).slice.size() == 3);
    CHECK(drain(*reader, nullptr, 1) == "3456789");
}

TEST_CASE("room is as much as was asked for and as a block holds") {
    const SpoolFixture f({.block = 16});
    const auto reader = f.spool->attach();
    CHECK(f.spool->room(1000, WhenFull::spill).size() == 16);
    f.spool->commit(10);
    CHECK(f.spool->room(1000, WhenFull::spill).size() == 6);
    CHECK(f.spool->room(2, WhenFull::spill).size() == 2);
}

TEST_CASE("a slice stays readable after the spool has dropped its block") {
    const SpoolFixture f;
    auto reader = f.spool->attach();
    f.append("0123456789abcdef");
    f.append("more");
    const auto slice = reader->read(16).slice;
    drain(*reader);
    reader.reset();
    CHECK(text_of(slice) == "0123456789abcdef");
}

TEST_CASE("what every reader has passed is dropped and its memory given back") {
    const SpoolFixture f({.window = 1024, .block = 16});
    const auto fast = f.spool->attach();
    const auto slow = f.spool->attach();
    f.append(make_bytes(160));
    CHECK(f.memory.used() == 160);
    drain(*fast);
    CHECK(f.memory.used() == 160);
    CHECK(slow->read(16).slice.size() == 16);
    CHECK(slow->read(16).slice.size() == 16);
    CHECK(f.memory.used() == 128);
    drain(*slow);
    CHECK(f.memory.used() == 16);  // its last byte is held back
    f.spool->seal(Spool::Seal::good);
    drain(*fast);
    drain(*slow);
    CHECK(f.memory.used() == 0);
    CHECK(f.spool->spilled_bytes() == 0);
}

TEST_CASE("a reader that goes gives back what only it still needed") {
    const SpoolFixture f({.window = 1024, .block = 16});
    const auto fast = f.spool->attach();
    auto slow = f.spool->attach();
    f.append(make_bytes(160));
    drain(*fast);
    slow.reset();
    CHECK(f.memory.used() == 16);
}

TEST_CASE("with no reader left nothing is kept") {
    const SpoolFixture f({.window = 1024, .block = 16});
    auto reader = f.spool->attach();
    f.append(make_bytes(160));
    reader.reset();
    CHECK(f.memory.used() <= 16);
    CHECK(f.append(make_bytes(10'000)) == 10'000);
    CHECK(f.memory.used() <= 32);
    CHECK(f.spool->size() == 10'160);
    CHECK(f.spool->spilled_bytes() == 0);
}

TEST_CASE("a spool that dies gives back all its memory and disk") {
    SpoolFixture f({.window = 32, .block = 16});
    {
        const auto reader = f.spool->attach();
        f.append(make_bytes(1000));
        CHECK(f.memory.used() > 0);
        CHECK(f.disk.used() > 0);
    }
    f.spool.reset();
    CHECK(f.memory.used() == 0);
    CHECK(f.disk.used() == 0);
}

TEST_CASE("a reader keeps its spool alive") {
    SpoolFixture f;
    const auto reader = f.spool->attach();
    f.append("still here");
    f.spool->seal(Spool::Seal::good);
    f.spool.reset();
    CHECK(drain(*reader) == "still here");
}

TEST_CASE("memory that is used up makes the writer wait until a reader moves on") {
    const SpoolFixture f({.memory = 32, .window = 1024, .block = 16});
    const auto reader = f.spool->attach();
    CHECK(f.append(make_bytes(100), WhenFull::wait) == 32);
    CHECK(f.spool->room(1, WhenFull::wait).empty());
    CHECK(reader->read(16).slice.size() == 16);
    CHECK(f.append(make_bytes(100), WhenFull::wait) == 16);
    CHECK(f.memory.used() <= 32);
    CHECK(f.spool->spilled_bytes() == 0);
}

TEST_CASE("memory that others have used up leaves every spool its first block") {
    const SpoolFixture f({.memory = 0, .window = 1024, .block = 16});
    const auto reader = f.spool->attach();
    CHECK(f.append(make_bytes(100), WhenFull::wait) == 16);
    CHECK(f.memory.used() == 0);
}

TEST_CASE("with all memory used up a spool still moves on as its readers do") {
    for (const std::uint64_t memory : {std::uint64_t{0}, std::uint64_t{16}}) {
        const SpoolFixture f({.memory = memory, .window = 1024, .block = 16});
        const auto one = f.spool->attach();
        const auto other = f.spool->attach();
        const auto bytes = make_bytes(500);
        std::string got, got_too;
        std::size_t done = 0;
        for (int turn = 0; turn < 100 && done < bytes.size(); ++turn) {
            done += f.append(std::string_view(bytes).substr(done), WhenFull::wait);
            got += drain(*one);
            got_too += drain(*other);
        }
        REQUIRE(done == bytes.size());
        CHECK(f.memory.used() <= memory);
        f.spool->seal(Spool::Seal::good);
        CHECK(got + drain(*one) == bytes);
        CHECK(got_too + drain(*other) == bytes);
    }
}
