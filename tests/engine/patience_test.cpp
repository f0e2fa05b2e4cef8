// Deadlines and stalls.
#include <doctest/doctest.h>

#include "base/text.h"
#include "raw_server.h"

using namespace espalier;
using base::ErrorKind;
using engine::Pipe;
using engine::TransferRequest;
using test::Client;
using test::Connection;
using test::ok;
using test::RawServer;

namespace {

constexpr base::Milliseconds kSoon{40};
constexpr base::Seconds kForever{60};

TransferRequest get(const RawServer& server) {
    TransferRequest request;
    request.url = server.url();
    return request;
}

void never_answer(Connection& connection) {
    connection.drain();
}

}  // namespace

TEST_CASE("a deadline ends the exchange") {
    RawServer server(never_answer);
    Client client;
    auto request = get(server);
    // The exchange's own time begins a moment after the deadline was set.
    const auto set_at = base::Steady::now();
    request.deadline = base::Deadline::after(kSoon);
    const auto state = client.run(std::move(request));
    const auto waited = base::Steady::now() - set_at;
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::timeout);
    CHECK(state.error->reason.contains("in time"));
    CHECK(waited >= kSoon);
    CHECK(state.elapsed <= waited);
}

TEST_CASE("a deadline that has passed already ends the exchange, too") {
    RawServer server(never_answer);
    Client client;
    auto request = get(server);
    request.deadline = base::Deadline::after(base::Milliseconds(-1));
    CHECK(client.run(std::move(request)).error->kind == ErrorKind::timeout);
}

TEST_CASE("an upstream that says nothing stalls") {
    RawServer server(never_answer);
    Client client;
    auto request = get(server);
    request.stall_timeout = kSoon;
    const auto state = client.run(std::move(request));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::timeout);
    CHECK(state.error->reason.contains("stalled"));
    CHECK_FALSE(state.error->retryable);
}

TEST_CASE("an upstream that stops reading stalls, while one whose upload waits for us does not") {
    RawServer server(never_answer);
    Client client;
    auto waiting = get(server);
    waiting.method = "PUT";
    waiting.upload = std::make_shared<Pipe>(1000, client.bell);
    waiting.upload_bytes = 100;
    waiting.stall_timeout = kSoon;
    waiting.upload->write("abc");
    const auto paused = client.start(waiting);

    RawServer deaf([](Connection& connection) {
        connection.narrow();
        connection.read_head();
        connection.peer_leaves_within(kForever);
    });
    auto stuck = get(deaf);
    stuck.method = "PUT";
    stuck.upload = std::make_shared<Pipe>(64 * 1024 * 1024, nullptr);
    stuck.upload_bytes = 64 * 1024 * 1024;
    stuck.stall_timeout = kSoon;
    stuck.upload->write(std::string(64 * 1024 * 1024, 'x'));
    const auto state = client.run(std::move(stuck));
    REQUIRE(state.error);
    CHECK(state.error->reason.contains("stalled"));
    CHECK(state.bytes_sent < 64 * 1024 * 1024);
    CHECK_FALSE(paused.state().over);
}

TEST_CASE("a download that waits for its reader does not stall") {
    const auto answer = ok(std::string(8'000'000, 'x'));
    RawServer server([&](Connection& connection) {
        connection.read_head();
        connection.send(answer);
    });
    RawServer silent(never_answer);
    Client client;
    std::shared_ptr<Pipe> pipe;
    engine::Transfer paused;
    const auto start = [&](base::Milliseconds patience) {
        auto request = get(server);
        request.download = pipe = std::make_shared<Pipe>(1000, client.bell);
        request.stall_timeout = patience;
        paused = client.start(std::move(request));
        test::wait_for(paused, *client.bell,
                       [&](const auto& state) { return pipe->size() >= 500 || state.over; });
        return paused.state().over;
    };
    auto patience = kSoon;
    while (start(patience)) patience *= 2;  // on a busy machine the server may be too slow
    auto stalling = get(silent);
    stalling.stall_timeout = patience * 3;
    CHECK(client.run(std::move(stalling)).error->kind == ErrorKind::timeout);
    CHECK_FALSE(paused.state().over);
}

TEST_CASE("a slow upstream that moves some bytes now and then does not stall") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
        while (!connection.peer_leaves_within(base::Milliseconds(5))) connection.send("x");
    });
    RawServer silent(never_answer);
    Client client;
    const auto survives = [&](base::Milliseconds patience) {
        auto dripping = get(server);
        dripping.stall_timeout = patience;
        const auto slow = client.start(std::move(dripping));
        auto stalling = get(silent);
        stalling.stall_timeout = patience * 3;
        client.run(std::move(stalling));
        return !slow.state().over;
    };
    auto patience = kSoon;
    bool survived = survives(patience);
    // A busy machine may not let the server run in so little time.
    for (int i = 0; i < 6 && !survived; ++i) survived = survives(patience *= 2);
    CHECK(survived);
}

TEST_CASE("an upload that leaves the kernel in small steps does not stall") {
    RawServer server([](Connection& connection) {
        connection.narrow();
        connection.read_head();
        // The kernel takes much of the body at once, and passes it on bit by bit.
        while (!connection.peer_leaves_within(base::Milliseconds(4))) connection.read(500);
    });
    RawServer deaf([](Connection& connection) {
        connection.narrow();
        connection.read_head();
        connection.peer_leaves_within(kForever);
    });
    Client client;
    const auto put = [&](const RawServer& to, base::Milliseconds patience) {
        auto request = get(to);
        request.method = "PUT";
        request.upload = std::make_shared<Pipe>(1024 * 1024, nullptr);
        request.upload_bytes = 1024 * 1024;
        request.stall_timeout = patience;
        request.upload->write(std::string(1024 * 1024, 'x'));
        return client.start(std::move(request));
    };
    const auto survives = [&](base::Milliseconds patience) {
        const auto slow = put(server, patience);
        client.over(put(deaf, patience * 2));
        return !slow.state().over;
    };
    auto patience = kSoon;
    bool survived = survives(patience);
    for (int i = 0; i < 6 && !survived; ++i) survived = survives(patience *= 2);
    CHECK(survived);
}

TEST_CASE("who has all of a large upload gets time to store it") {
    constexpr std::size_t kBytes = 16 * 1024 * 1024;
    RawServer server([](Connection& connection) {
        const auto head = connection.read_head();
        connection.read(test::content_length(head));
        connection.peer_leaves_within(base::Milliseconds(1'500));
        connection.send(ok("stored"));
    });
    Client client;
    auto request = get(server);
    request.method = "PUT";
    request.upload = std::make_shared<Pipe>(kBytes, nullptr);
    request.upload_bytes = kBytes;
    request.stall_timeout = base::Seconds(1);
    request.upload->write(std::string(kBytes, 'x'));
    CHECK(client.run(std::move(request)).response.body == "stored");
}

TEST_CASE("after an early success a stalled rest is no error") {
    RawServer server([](Connection& connection) {
        connection.narrow();
        connection.read_head();
        connection.send(ok("early"));
        connection.peer_leaves_within(kForever);
    });
    Client client;
    const auto run = [&](base::Milliseconds patience) {
        auto request = get(server);
        request.method = "PUT";
        request.upload = std::make_shared<Pipe>(32 * 1024 * 1024, nullptr);
        request.upload_bytes = 32 * 1024 * 1024;
        request.stall_timeout = patience;
        request.upload->write(std::string(32 * 1024 * 1024, 'x'));
        return client.run(std::move(request));
    };
    auto patience = kSoon;
    auto state = run(patience);
    while (!state.response_complete) state = run(patience *= 2);  // a busy machine
    CHECK_FALSE(state.error);
    CHECK(state.response.body == "early");
}
