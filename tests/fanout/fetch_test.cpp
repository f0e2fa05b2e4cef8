// Blobs are read from several servers as one, and never end well when they are wrong.
#include "fanout/fetch.h"

#include <doctest/doctest.h>

#include "support/bytes.h"
#include "world.h"

using namespace espalier;
using namespace espalier::test;
using base::ErrorKind;
using base::Milliseconds;
using fanout::FetchPlan;

namespace {

constexpr std::size_t kKiB = 1024;

struct Got {
    std::string bytes;
    std::optional<base::Error> error;
};

struct Fixture {
    explicit Fixture(std::string content) : body(std::move(content)), hash(base::Sha256::of(body)) {
        plan.hash = hash;
        plan.size = body.size();
        plan.origins = {0, 1, 2};
        plan.stall_timeout = Milliseconds{20'000};
        for (const auto& server : world.servers) server->put_blob(body, "image/png");
    }

    Got read() {
        fetch = std::make_unique<fanout::Fetch>(world.network(), plan);
        Got got;
        if (const auto opened = fetch->open(); !opened) return {{}, opened.error()};
        for (;;) {
            const auto slice = fetch->next();
            if (!slice) return {std::move(got.bytes), slice.error()};
            if (slice->empty()) return got;
            got.bytes.append(reinterpret_cast<const char*>(slice->bytes().data()), slice->size());
        }
    }
    bool is_right(const Got& got) const { return !got.error && got.bytes == body; }
    void edit(std::size_t server, const std::function<void(Script&)>& change) {
        world.server(server).edit(change);
    }
    std::uint64_t faults(std::size_t server) const {
        return world.snapshot(server).outcomes.at(
            static_cast<std::size_t>(fleet::OutcomeKind::upstream_fault));
    }

    World world;
    const std::string body;
    const protocol::BlobHash hash;
    FetchPlan plan;
    std::unique_ptr<fanout::Fetch> fetch;
};

}  // namespace

TEST_CASE("blobs of every size come whole from the first server, its size stated or not") {
    for (const std::size_t size :
         {0UL, 1UL, 64 * kKiB, 256 * kKiB, 256 * kKiB + 1, 3000 * kKiB + 7}) {
        for (const auto framing : {Framing::length, Framing::chunks, Framing::until_close}) {
            CAPTURE(size);
            Fixture f(make_bytes(size));
            f.edit(0, [&](Script& script) { script.framing = framing; });
            if (framing != Framing::length) f.plan.size.reset();
            CHECK(f.is_right(f.read()));
            CHECK(f.fetch->server() == 0);
            CHECK(f.fetch->size() == size);
            CHECK(f.fetch->type() == "image/png");
            CHECK(f.fetch->failures().empty());
            CHECK(f.world.server(1).seen().empty());
        }
    }
}

TEST_CASE("of a small blob that is wrong nothing is given; another server gives it") {
    Fixture f(make_bytes(200 * kKiB));
    f.edit(0, [](Script& script) { script.wrong_byte = 0; });
    CHECK(f.is_right(f.read()));
    CHECK(f.fetch->server() == 1);
    CHECK(f.fetch->mismatches() == 1);
    CHECK(f.faults(0) == 1);
    CHECK(f.faults(1) == 0);
}

TEST_CASE("of a large blob that is wrong the last 64 KiB are never given") {
    for (const auto at : {0UL, 1000UL * kKiB - 1}) {
        CAPTURE(at);
        Fixture f(make_bytes(1000 * kKiB));
        for (std::size_t i = 0; i < 3; ++i)
            f.edit(i, [&](Script& script) { script.wrong_byte = at; });
        const auto got = f.read();
        REQUIRE(got.error);
        CHECK(got.error->kind == ErrorKind::upstream);
        CHECK(got.bytes.size() <= f.body.size() - 64 * kKiB);
        CHECK(got.bytes.size() > f.body.size() / 2);
        CHECK(f.faults(0) == 1);
    }
}

TEST_CASE("where a server breaks off the next one goes on, and the digest with it") {
    for (const auto how : {Cut::fin, Cut::rst}) {
        for (const std::uint64_t at : {0UL, 1UL, 100 * kKiB, 400 * kKiB, 1000 * kKiB - 1}) {
            CAPTURE(at);
            Fixture f(make_bytes(1000 * kKiB));
            f.edit(0, [&](Script& script) { script.cut_answer = CutAt{at, how}; });
            CHECK(f.is_right(f.read()));
            CHECK(f.fetch->server() == 1);
            CHECK(f.fetch->failovers() == 1);
            CHECK(f.faults(0) == 1);
            CHECK(f.faults(1) == 0);
        }
    }
}

TEST_CASE("a server that ignores ranges goes on all the same") {
    Fixture f(make_bytes(1000 * kKiB));
    f.edit(0, [](Script& script) { script.cut_answer = CutAt{500 * kKiB, Cut::rst}; });
    f.edit(1, [](Script& script) { script.ranges = false; });
    CHECK(f.is_right(f.read()));
    CHECK(f.fetch->server() == 1);
}

TEST_CASE("a server that sends a range in pieces is asked for the next piece") {
    Fixture f(make_bytes(1000 * kKiB));
    f.edit(0, [](Script& script) { script.cut_answer = CutAt{300 * kKiB, Cut::rst}; });
    f.edit(1, [](Script& script) { script.open_range_max = 100 * kKiB; });
    CHECK(f.is_right(f.read()));
    CHECK(f.world.server(1).count("GET") >= 7);
    CHECK(f.fetch->failures().size() == 1);
}

TEST_CASE("a server that sends a range byte by byte is not asked for ever") {
    Fixture f(make_bytes(1000 * kKiB));
    f.edit(0, [](Script& script) { script.cut_answer = CutAt{300 * kKiB, Cut::rst}; });
    f.edit(1, [](Script& script) { script.open_range_max = 1; });
    CHECK(f.is_right(f.read()));
    CHECK(f.world.server(1).count("GET") == 1);
    CHECK(f.fetch->server() == 2);
}

TEST_CASE("the only server may go on where it broke off, a few times") {
    Fixture f(make_bytes(1000 * kKiB));
    f.plan.origins = {0};
    f.edit(0, [](Script& script) { script.cut_answer = CutAt{400 * kKiB, Cut::fin}; });
    CHECK(f.is_right(f.read()));
    f.edit(0, [](Script& script) { script.cut_answer = CutAt{100 * kKiB, Cut::fin}; });
    const auto got = f.read();
    REQUIRE(got.error);
    CHECK(f.world.server(0).count("GET") <= 8);
}

TEST_CASE("a server that stalls is left for the next one") {
    Fixture f(make_bytes(1000 * kKiB));
    f.plan.stall_timeout = Milliseconds{200};
    f.edit(0, [](Script& script) { script.stall_answer_at = 300 * kKiB; });
    CHECK(f.is_right(f.read()));
    CHECK(f.fetch->server() == 1);
    f.edit(0, [](Script& script) { script.stall_answer_at.reset(); });
}

TEST_CASE("an encoded body, another length and another status are no blob") {
    const std::vector<std::function<void(Script&)>> lies{
        [](Script& script) { script.on(Op::get).headers.set("Content-Encoding", "gzip"); },
        [](Script& script) {
            script.hook = [](const Seen&) { return Answer{.body = "something shorter"}; };
        },
        [](Script& script) { script.on(Op::get).status = 500; },
        [](Script& script) { script.on(Op::get).status = 204; },
    };
    for (const auto& lie : lies) {
        Fixture f(make_bytes(300 * kKiB));
        f.edit(0, lie);
        CHECK(f.is_right(f.read()));
        CHECK(f.fetch->server() == 1);
        CHECK(f.faults(0) == 1);
    }
}

TEST_CASE("who lacks the blob is no fault of anybody, and is taken off the map") {
    Fixture f(make_bytes(10));
    f.world.map.learn(f.hash, 0, {}, base::Steady::now());
    f.world.server(0).drop_blob(f.hash.hex());
    CHECK(f.is_right(f.read()));
    CHECK(f.faults(0) == 0);
    CHECK_FALSE(f.world.lists(f.hash, 0));
    for (std::size_t i = 1; i < 3; ++i) f.world.server(i).drop_blob(f.hash.hex());
    const auto got = f.read();
    REQUIRE(got.error);
    CHECK(got.error->kind == ErrorKind::missing);
    CHECK(f.fetch->failures().size() == 3);
}

TEST_CASE("parts are what a naive slice gives, whatever the servers do") {
    Fixture f(make_bytes(700 * kKiB));
    const std::vector<std::function<void(Script&)>> habits{
        [](Script&) {},
        [](Script& script) { script.ranges = false; },
        [](Script& script) { script.cut_answer = CutAt{50 * kKiB, Cut::rst}; },
    };
    const std::vector<FetchPlan::Part> parts{
        {0, 1}, {0, 700 * kKiB}, {699 * kKiB, 700 * kKiB}, {12'345, 543'210}, {5, 6}};
    for (const auto& habit : habits) {
        f.edit(0, [&](Script& script) {
            script = Script{};
            habit(script);
        });
        for (const auto& part : parts) {
            CAPTURE(part.first);
            CAPTURE(part.end);
            f.plan.part = part;
            const auto got = f.read();
            CHECK_FALSE(got.error);
            CHECK((got.bytes == f.body.substr(part.first, part.end - part.first)));
        }
    }
}

TEST_CASE("the type is that of the blob, not of what was passed over") {
    Fixture f(make_bytes(300 * kKiB));
    f.edit(0, [](Script& script) {
        script.hook = [](const Seen&) {
            return Answer{.headers = {{"Content-Type", "text/html"}}, .body = "not found, sorry"};
        };
    });
    CHECK(f.is_right(f.read()));
    CHECK(f.fetch->type() == "image/png");
    f.plan.verify_first_bytes = 1000 * kKiB;
    f.edit(0, [&](Script& script) {
        script.hook = [&](const Seen&) {
            return Answer{.headers = {{"Content-Type", "text/html"}},
                          .body = make_bytes(300 * kKiB, 5)};
        };
    });
    CHECK(f.is_right(f.read()));
    CHECK(f.fetch->type() == "image/png");
}

TEST_CASE("a size that only one server has stated makes the others no liars") {
    for (const bool alone : {false, true}) {
        Fixture f(make_bytes(300 * kKiB));
        f.plan.size = 77;
        if (alone) f.plan.origins = {0};
        CHECK(f.is_right(f.read()));
        CHECK(f.fetch->size() == f.body.size());
    }
}

TEST_CASE("a body that goes on behind its end is left there, and is the server's fault") {
    Fixture f(make_bytes(300 * kKiB));
    f.edit(0, [&](Script& script) {
        script.framing = Framing::chunks;
        script.hook = [&](const Seen&) {
            return Answer{.body = f.body + make_bytes(20'000 * kKiB)};
        };
    });
    CHECK(f.is_right(f.read()));
    CHECK(f.faults(0) == 1);
    CHECK(f.world.snapshot(0).bytes_down < 10'000 * kKiB);
}

TEST_CASE("who goes on after a liar is not blamed for it, and is asked for the whole") {
    for (const bool two : {true, false}) {
        Fixture f(make_bytes(200 * kKiB));
        f.world.map.learn(f.hash, 1, {}, base::Steady::now());
        f.plan.origins =
            two ? std::vector<fleet::UpstreamId>{0, 1} : std::vector<fleet::UpstreamId>{0, 1, 2};
        f.edit(0, [](Script& script) {
            script.wrong_byte = 0;
            script.cut_answer = CutAt{100 * kKiB, Cut::fin};
        });
        CHECK(f.is_right(f.read()));
        CHECK(f.fetch->server() == 1);
        CHECK(f.faults(0) == 1);
        CHECK(f.faults(1) == 0);
        CHECK(f.world.lists(f.hash, 1));
    }
}

TEST_CASE("a part that was read to its end is a download that went well") {
    Fixture f(make_bytes(700 * kKiB));
    f.plan.part = {1000, 500'000};
    for (const bool ranges : {true, false}) {
        f.edit(0, [&](Script& script) { script.ranges = ranges; });
        std::size_t got = 0;
        {
            fanout::Fetch fetch(f.world.network(), f.plan);
            REQUIRE(fetch.open());
            while (got < 499'000) got += fetch.next()->size();
        }
        CHECK(got == 499'000);
    }
    using enum fleet::OutcomeKind;
    CHECK(f.world.snapshot(0).outcomes.at(static_cast<std::size_t>(ok)) == 2);
    CHECK(f.world.snapshot(0).outcomes.at(static_cast<std::size_t>(cancelled)) == 0);
}

TEST_CASE("a reader that does not read holds up the server, and going away ends the exchange") {
    Fixture f(make_bytes(30'000 * kKiB));
    f.fetch = std::make_unique<fanout::Fetch>(f.world.network(), f.plan);
    REQUIRE(f.fetch->open());
    REQUIRE(f.fetch->next());
    CHECK(f.world.snapshot(0).in_flight == 1);
    f.fetch.reset();
    CHECK(f.world.snapshot(0).in_flight == 0);
    CHECK(f.world.wait_for([&] { return f.world.server(0).open_connections() == 0; }));
    CHECK(f.world.snapshot(0).bytes_down < f.body.size());
    CHECK(f.faults(0) == 0);
}
