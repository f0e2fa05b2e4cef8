// The pool itself, and lanes under load over real sockets.
#include "http/workers.h"

#include <atomic>
#include <latch>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/fixture.h"

namespace espalier::http {
namespace {

using base::Deadline;
using base::Milliseconds;

// A pool whose jobs wait until the test lets them go.
struct Pool {
    explicit Pool(const Workers::Options& options)
        : workers(
              options,
              [this](const Workers::Job&) {
                  ++started;
                  started.notify_all();
                  gate.wait();
                  return After::keep;
              },
              [this](const Workers::Job&, After) { ++done; }) {}
    bool submit(Lane lane) { return workers.submit({.connection = nullptr, .lane = lane}); }
    void until_started(int count) {
        for (int now = started; now < count; now = started) started.wait(now);
    }
    void open() {
        gate.count_down();
        workers.wait_idle(Deadline::never());
    }

    std::latch gate{1};
    std::atomic<int> started{0};
    std::atomic<int> done{0};
    Workers workers;
};

TEST_CASE("workers grow with the load to their most, then requests queue, then they are refused") {
    Pool pool({.min = 1, .max = 4, .reserved = 1, .queue_max = 2});
    for (int i = 0; i < 3; ++i) CHECK(pool.submit(Lane::ordinary));
    pool.until_started(3);
    CHECK(pool.workers.counts().threads == 3);
    CHECK(pool.submit(Lane::ordinary));
    CHECK(pool.submit(Lane::ordinary));
    CHECK_FALSE(pool.submit(Lane::ordinary));
    CHECK(pool.started == 3);
    CHECK(pool.submit(Lane::reserved));
    pool.until_started(4);
    pool.open();
    CHECK(pool.started == 6);
    pool.workers.stop();
    CHECK(pool.done == 6);
    CHECK(pool.workers.counts().threads == 0);
}

TEST_CASE("bulk holds at most three fifths of what is not reserved, and never waits") {
    Pool pool({.min = 1, .max = 12, .reserved = 2, .queue_max = 100});
    for (int i = 0; i < 6; ++i) CHECK(pool.submit(Lane::bulk));
    CHECK_FALSE(pool.submit(Lane::bulk));
    for (int i = 0; i < 4; ++i) CHECK(pool.submit(Lane::ordinary));
    pool.until_started(10);
    CHECK(pool.submit(Lane::reserved));
    CHECK(pool.submit(Lane::reserved));
    pool.until_started(12);
    pool.open();
}

TEST_CASE("a worker without work ends, but for the least number") {
    Pool pool({.min = 2, .max = 10, .reserved = 1, .queue_max = 1, .idle_exit = Milliseconds{20}});
    for (int i = 0; i < 8; ++i) CHECK(pool.submit(Lane::ordinary));
    pool.until_started(8);
    pool.open();
    for (int i = 0; i < 5000 && pool.workers.counts().threads > 2; ++i) {
        base::Bell().wait(Deadline::after(Milliseconds{1}));
    }
    CHECK(pool.workers.counts().threads == 2);
}

TEST_CASE("a pool is roomy while most of its threads have nothing to do") {
    Pool pool({.min = 8, .max = 8, .reserved = 1, .queue_max = 1});
    CHECK_FALSE(pool.workers.roomy());
    CHECK(pool.submit(Lane::ordinary));
    pool.until_started(1);
    CHECK_FALSE(pool.workers.roomy());  // one of one
    pool.open();
    CHECK(pool.workers.roomy());
}

TEST_CASE("waiting for a pool ends at the deadline") {
    Pool pool({.min = 1, .max = 2, .reserved = 1, .queue_max = 1});
    CHECK(pool.submit(Lane::ordinary));
    CHECK_FALSE(pool.workers.wait_idle(Deadline::after(Milliseconds{5})));
    pool.workers.close();
    CHECK_FALSE(pool.submit(Lane::reserved));
    pool.open();
    CHECK(pool.workers.wait_idle(Deadline::never()));
}

TEST_CASE("health is answered while three hundred uploads trickle") {
    Fixture fixture;  // the default of 512 workers: 302 for bulk
    std::vector<Client> uploads;
    for (int i = 0; i < 310; ++i) {
        uploads.push_back(fixture.connect());
        uploads.back().send("PUT /bulk HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
    }
    fixture.until([](const auto& now) { return now.workers_busy + now.overloaded == 310; });
    CHECK(fixture.server.snapshot().workers_busy == 302);
    const auto health = fixture.ask(get("/health"));
    CHECK(health.status == 200);
    CHECK(fixture.ask(get("/work")).status == 200);
    const auto refused = fixture.ask(put("/bulk", "ab"));
    CHECK(refused.status == 503);
    CHECK(refused.headers.value("Retry-After") == "1");
    check_common(refused);
    int answered = 0;
    for (auto& upload : uploads) {
        upload.send("b");
        const int status = upload.read().status;
        CHECK((status == 200 || status == 503));
        answered += status == 200 ? 1 : 0;
    }
    CHECK(answered == 302);
}

TEST_CASE("with every worker taken, only the reserved lane is served") {
    // One reactor: what it has counted has also been handed over when the next one is read.
    Fixture fixture(
        {.reactors = 1, .workers_min = 1, .workers_max = 4, .workers_reserved = 2, .queue_max = 1});
    std::latch gate(1);
    fixture.handlers.on_request = [&](Request& request) {
        if (request.head.path != "/health") gate.wait();
        return Reply(200);
    };
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(fixture.connect());
        clients.back().send(get("/work"));
        const auto due = static_cast<std::uint64_t>(std::min(i + 1, 2));
        fixture.until([&](const auto& now) {
            return now.workers_busy == due && now.requests == static_cast<std::uint64_t>(i) + 1;
        });
    }
    auto fourth = fixture.connect();
    for (int i = 0; i < 2; ++i) {  // the connection is kept for another try
        const auto answer = fourth.ask(get("/work"));
        CHECK(answer.status == 503);
        check_common(answer);
    }
    CHECK(fixture.ask(get("/health")).status == 200);
    CHECK(fixture.ask(get("/now")).status == 307);
    gate.count_down();
    for (auto& client : clients) CHECK(client.read().status == 200);
    CHECK(fourth.ask(get("/work")).status == 200);
}

TEST_CASE("a worker that waits a moment serves the connection's next request itself") {
    Fixture fixture({.workers_min = 8});
    std::latch all(8);
    fixture.handlers.on_request = [&](Request& request) {
        if (request.head.path == "/together") all.arrive_and_wait();
        return Reply(200);
    };
    std::vector<Client> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(fixture.connect());
        clients.back().send(get("/together"));
    }
    for (auto& client : clients) CHECK(client.read().status == 200);
    // Eight idle workers: now the pool is roomy.
    for (int i = 0; i < 200; ++i) {
        CHECK(clients[0].ask(i % 3 == 0 ? put("/work", "a") : get("/work")).status == 200);
    }
    CHECK(clients[0].ask(get("/now")).status == 307);
    CHECK(clients[0].ask(get("/health")).status == 200);
    CHECK(clients[0].ask("GET / HTTP/1.1\r\n\r\n").status == 400);
}

}  // namespace
}  // namespace espalier::http
