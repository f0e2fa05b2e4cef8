#include "engine/pipe.h"

#include <array>
#include <string>
#include <thread>

#include <doctest/doctest.h>

using namespace espalier;
using base::Bell;
using base::Slice;
using engine::Pipe;

namespace {

std::string text(const Slice& slice) {
    std::string out;
    for (const auto byte : slice.bytes()) out += static_cast<char>(byte);
    return out;
}

std::string read(Pipe& pipe, std::size_t bytes_max) {
    std::string out(bytes_max, '\0');
    out.resize(pipe.read(std::as_writable_bytes(std::span(out))));
    return out;
}

struct Rung {
    std::shared_ptr<Bell> bell = std::make_shared<Bell>();
    Pipe pipe{8, bell};
};

}  // namespace

TEST_CASE("a full pipe refuses bytes until someone reads") {
    Pipe pipe(4, nullptr);
    CHECK(pipe.write("abcdef") == 4);
    CHECK(pipe.room() == 0);
    CHECK(pipe.write("ef") == 0);
    CHECK(read(pipe, 2) == "ab");
    CHECK(pipe.room() == 2);
    CHECK(pipe.write("ef") == 2);
    CHECK(read(pipe, 10) == "cdef");
    CHECK(read(pipe, 10).empty());
}

TEST_CASE("a slice passes without a copy, and what did not fit stays with the writer") {
    Pipe pipe(4, nullptr);
    auto slice = Slice::copy_of("abcdef");
    const auto* where = slice.bytes().data();
    CHECK(pipe.write(slice) == 4);
    CHECK(text(slice) == "ef");
    const auto out = pipe.read_slice(100);
    CHECK(out.bytes().data() == where);
    CHECK(text(out) == "abcd");
}

TEST_CASE("slices come out in order, cut as wanted") {
    Pipe pipe(100, nullptr);
    for (const auto* piece : {"abc", "def", "ghi"}) pipe.write(piece);
    CHECK(text(pipe.read_slice(2)) == "ab");
    CHECK(text(pipe.read_slice(100)) == "c");
    CHECK(read(pipe, 4) == "defg");
    CHECK(pipe.size() == 2);
    CHECK(text(pipe.read_slice(0)).empty());
    CHECK(text(pipe.read_slice(100)) == "hi");
}

TEST_CASE("many small slices are read in one go") {
    Pipe pipe(1000, nullptr);
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        pipe.write(std::to_string(i));
        expected += std::to_string(i);
    }
    CHECK(read(pipe, 1000) == expected);
}

TEST_CASE("the end is seen when the bytes before it are gone") {
    Pipe pipe(10, nullptr);
    pipe.write("ab");
    pipe.finish();
    CHECK(pipe.end() == Pipe::End::open);
    CHECK(pipe.write("c") == 0);
    CHECK(pipe.room() == 0);
    CHECK(read(pipe, 10) == "ab");
    CHECK(pipe.end() == Pipe::End::finished);
}

TEST_CASE("a failure is seen at once, and the bytes before it can still be read") {
    Pipe pipe(10, nullptr);
    pipe.write("ab");
    pipe.fail();
    CHECK(pipe.end() == Pipe::End::failed);
    CHECK(read(pipe, 10) == "ab");
}

TEST_CASE("an abandoned pipe takes nothing and drops what it held") {
    Pipe pipe(10, nullptr);
    pipe.write("ab");
    pipe.abandon();
    CHECK(pipe.end() == Pipe::End::abandoned);
    CHECK(pipe.size() == 0);
    CHECK(pipe.write("c") == 0);
    pipe.finish();
    CHECK(pipe.end() == Pipe::End::abandoned);
}

TEST_CASE("the first of finish and fail counts") {
    Pipe failed(10, nullptr);
    failed.fail();
    failed.finish();
    CHECK(failed.end() == Pipe::End::failed);
    Pipe finished(10, nullptr);
    finished.finish();
    finished.fail();
    CHECK(finished.end() == Pipe::End::finished);
}

TEST_CASE("the reader is told of the first bytes and of a half-full pipe, not of each byte") {
    Rung it;
    it.pipe.write("a");
    CHECK(it.bell->clear());
    it.pipe.write("b");
    CHECK_FALSE(it.bell->clear());
    it.pipe.write("cd");
    CHECK(it.bell->clear());
    it.pipe.write("efgh");
    CHECK_FALSE(it.bell->clear());
}

TEST_CASE("the writer is told when the pipe drains to half, not of each byte") {
    Rung it;
    it.pipe.write("abcdefgh");
    it.bell->clear();
    read(it.pipe, 3);
    CHECK_FALSE(it.bell->clear());
    read(it.pipe, 1);
    CHECK(it.bell->clear());
    read(it.pipe, 4);
    CHECK_FALSE(it.bell->clear());
}

TEST_CASE("every way of closing is told of") {
    for (const auto close : {&Pipe::finish, &Pipe::fail, &Pipe::abandon}) {
        Rung it;
        (it.pipe.*close)();
        CHECK(it.bell->clear());
    }
}

TEST_CASE("a pipe of one byte works") {
    Pipe pipe(1, nullptr);
    CHECK(pipe.write("ab") == 1);
    CHECK(read(pipe, 5) == "a");
    CHECK(pipe.write("b") == 1);
}

TEST_CASE("bytes cross from one thread to another in order, and nobody waits in vain") {
    constexpr std::size_t kTotal = 500'000;
    auto bell = std::make_shared<Bell>();
    Pipe pipe(1000, bell);
    const auto patience = base::Deadline::after(base::Seconds(30));
    std::jthread writer([&] {
        std::size_t at = 0;
        while (at < kTotal) {
            std::string piece;
            for (std::size_t i = 0; i < 1 + at % 700 && at + i < kTotal; ++i)
                piece += static_cast<char>((at + i) % 251);
            const auto written = pipe.write(piece);
            at += written;
            if (written < piece.size()) std::this_thread::yield();
        }
        pipe.finish();
    });
    std::size_t at = 0;
    bool in_order = true;
    while (pipe.end() == Pipe::End::open) {
        const auto slice = pipe.read_slice(1 + at % 300);
        for (const auto byte : slice.bytes()) in_order &= byte == std::byte(at++ % 251);
        if (slice.empty() && pipe.end() == Pipe::End::open && !bell->wait(patience)) break;
    }
    CHECK(in_order);
    CHECK(at == kTotal);
}
