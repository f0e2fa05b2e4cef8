// Stopping a Server.
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "http/fixture.h"

namespace espalier::http {
namespace {

using base::Deadline;
using base::Milliseconds;

TEST_CASE("requests under way are finished, idle connections and newcomers are not served") {
    Fixture fixture;
    std::latch gate(1);
    fixture.handlers.on_request = [&](Request& request) {
        gate.wait();
        return TestHandlers::echo(request);
    };
    auto idle = fixture.connect();
    CHECK(idle.ask(get("/now")).status == 307);
    auto busy = fixture.connect();
    busy.send(put("/work", "abc"));
    fixture.until([](const auto& now) { return now.workers_busy == 1; });
    std::jthread stopper([&] { fixture.server.stop(Deadline::after(Milliseconds{20'000})); });
    CHECK(idle.ends());
    gate.count_down();
    const auto answer = busy.read();
    CHECK(answer.body == "abc");
    CHECK(answer.headers.value("Connection") == "close");
    CHECK(busy.ends());
    stopper.join();
    CHECK(fixture.server.snapshot().connections == 0);
    CHECK(fixture.server.snapshot().workers == 0);
}

TEST_CASE("what still waits for its client at the deadline is cut") {
    Fixture fixture;
    auto upload = fixture.connect();
    upload.send("PUT /bulk HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    auto half = fixture.connect();
    half.send("GET / HT");
    fixture.until([](const auto& now) { return now.workers_busy == 1; });
    fixture.server.stop(Deadline::after(Milliseconds{10}));
    CHECK(upload.ends());
    CHECK(half.ends());
}

TEST_CASE("a refusal on its way is still read by a client that goes on sending") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request&) { return Reply(401); };
    auto client = fixture.connect();
    client.send("PUT /work HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nab");
    fixture.until([&](const auto& now) {
        return now.workers_busy == 0 &&
               fixture.handlers.seen.with([](const auto& seen) { return !seen.empty(); });
    });
    std::jthread stopper([&] { fixture.server.stop(Deadline::after(Milliseconds{20'000})); });
    // A connection that was closed with bytes unread would be reset under these.
    for (int i = 0; i < 20; ++i) {
        CHECK(client.send(std::string(1'000, 'x')));
        base::Bell().wait(Deadline::after(Milliseconds{5}));
    }
    CHECK(client.read().status == 401);
}

TEST_CASE("a Server without an address to listen on does not start") {
    const base::Log::Options quiet{.level = base::Level::error};
    base::Log log(quiet);
    TestHandlers handlers;
    Server server({.listen = {}}, handlers, log);
    const auto started = server.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == base::ErrorKind::invalid);
}

TEST_CASE("stopping twice, or what never started, is harmless") {
    Fixture fixture;
    fixture.server.stop(Deadline::never());
    fixture.server.stop(Deadline::never());
    TestHandlers handlers;
    Server server({}, handlers, fixture.log);
    server.stop(Deadline::never());
}

TEST_CASE("a Server that goes away with clients of every kind leaves nothing behind") {
    for (int round = 0; round < 5; ++round) {
        auto fixture = std::make_unique<Fixture>();
        std::vector<Client> clients;
        for (int i = 0; i < 40; ++i) {
            clients.push_back(fixture->connect());
            clients.back().send(i % 4 == 0   ? get("/now")
                                : i % 4 == 1 ? get("/work")
                                : i % 4 == 2 ? "GET /half HTTP/1.1\r\n"
                                             : "PUT /x HTTP/1.1\r\nHost: h\r\n"
                                               "Content-Length: 5\r\n\r\nab");
        }
        fixture.reset();
    }
}

}  // namespace
}  // namespace espalier::http
