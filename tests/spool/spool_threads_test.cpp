// One writer and several readers in threads of their own.
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "spool_fixture.h"
#include "support/bytes.h"
#include "support/changes.h"

using namespace espalier;
using namespace espalier::test;

namespace {

// Reads until the end, or until it is lost or the spool has failed.
void read_all(Spool::Reader& reader, std::string& got, Status& last, std::size_t bytes_max) {
    const auto patience = base::Deadline::after(kPatience);
    while (!patience.passed()) {
        const auto read = reader.read(bytes_max);
        last = read.status;
        if (read.status == Status::bytes)
            got += text_of(read.slice);
        else if (read.status == Status::wait)
            std::this_thread::yield();
        else
            return;
    }
}

struct Side {
    std::unique_ptr<Spool::Reader> reader;
    std::string got;
    Status last = Status::wait;
};

// Writes `body` in pieces while each side reads in its own thread.
void run(const SpoolFixture& f, const std::string& body, std::vector<Side>& sides,
         Spool::Seal seal) {
    std::vector<std::jthread> threads;
    std::size_t bytes_max = 1500;
    for (Side& side : sides) {
        threads.emplace_back(
            [&side, bytes_max] { read_all(*side.reader, side.got, side.last, bytes_max); });
        bytes_max /= 8;
    }
    for (std::size_t done = 0; done < body.size();) {
        const auto n = f.append(std::string_view(body).substr(done, 999), WhenFull::wait);
        if (n == 0) std::this_thread::yield();
        done += n;
    }
    f.spool->seal(seal);
}

}  // namespace

TEST_CASE("readers in other threads get every byte, from memory or from the file") {
    const SpoolFixture f({.memory = 16 * 1024, .window = 4096, .block = 512});
    const auto body = make_bytes(400'000);
    std::vector<Side> sides(3);
    for (Side& side : sides) side.reader = f.spool->attach();
    run(f, body, sides, Spool::Seal::good);
    for (const Side& side : sides) {
        CHECK(side.last == Status::end);
        CHECK((side.got == body));
    }
    sides.clear();
    CHECK(f.memory.used() <= 512);
}

TEST_CASE("readers in other threads never see what a failed spool held back") {
    const SpoolFixture f({.window = 4096, .block = 512, .hold_back = 1000});
    const auto body = make_bytes(50'000);
    std::vector<Side> sides(2);
    for (Side& side : sides) side.reader = f.spool->attach();
    run(f, body, sides, Spool::Seal::failed);
    for (const Side& side : sides) {
        CHECK(side.last == Status::failed);
        CHECK(side.got.size() <= body.size() - 1000);
        CHECK(body.starts_with(side.got));
    }
}

TEST_CASE("a reader may leave while the writer spills its bytes") {
    for (int round = 0; round < 50; ++round) {
        const SpoolFixture f({.disk = round % 2 == 0 ? kPlenty : 2000, .window = 256, .block = 64});
        auto stays = f.spool->attach();
        auto leaves = f.spool->attach();
        const auto body = make_bytes(8000);
        std::vector<Side> sides(1);
        sides[0].reader = std::move(stays);
        {
            const std::jthread thread([&] {
                for (int i = 0; i < round; ++i) leaves->read(50);
                leaves.reset();
            });
            run(f, body, sides, Spool::Seal::good);
        }
        if (sides[0].last == Status::end) CHECK((sides[0].got == body));
        CHECK((sides[0].last == Status::end || f.spool->lost_any()));
    }
}
