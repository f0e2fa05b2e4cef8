// Request bodies over real sockets.
#include <array>
#include <cstdio>
#include <future>
#include <latch>
#include <string>

#include <doctest/doctest.h>

#include "http/fixture.h"

namespace espalier::http {
namespace {

using Status = Body::Status;

// Every byte value, in no simple order.
std::string binary(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t x = 12345;
    for (char& c : out) c = static_cast<char>((x = x * 1664525U + 1013904223U) >> 24);
    return out;
}

std::string chunked(std::string_view path, std::string_view framed, std::string_view more = {}) {
    return base::text("PUT ", path, " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n", more,
                      "\r\n", framed);
}

TEST_CASE("a body arrives byte for byte, whatever it says it is encoded as") {
    const Fixture fixture;
    auto client = fixture.connect();
    for (const std::size_t size : {0UL, 1UL, 100UL, 70'000UL, 3'000'000UL}) {
        const auto body = binary(size);
        CHECK(client.ask(put("/x", body, "Content-Encoding: gzip\r\n")).body == body);
    }
}

TEST_CASE("a chunked body arrives byte for byte and the connection goes on") {
    const Fixture fixture;
    auto client = fixture.connect();
    const auto body = binary(200'000);
    std::string framed;
    for (std::size_t at = 0; at < body.size();) {
        const auto size = std::min<std::size_t>(body.size() - at, 1 + at % 7919);
        char line[32];
        const int length = std::snprintf(line, sizeof line, "%zX;ext=\"a\"\r\n", size);
        framed.append(line, static_cast<std::size_t>(length)).append(body, at, size) += "\r\n";
        at += size;
    }
    framed += "0\r\nTrailer: x\r\n\r\n";
    CHECK(client.ask(chunked("/x", framed)).body == body);
    CHECK(client.ask(chunked("/x", "0\r\n\r\n") + get("/now")).body.empty());
    CHECK(client.read().status == 307);
}

TEST_CASE("chunk framing that is not exact breaks the body") {
    const Fixture fixture;
    for (const auto* framed :
         {"0x3\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n", "3 junk\r\nabc\r\n0\r\n\r\n",
          "+3\r\nabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "\r\n\r\n",
          "g\r\n", "1000000000000000\r\n", "3\r\nabc\r\n0\r\nno colon\x01\r\n\r\n"}) {
        CAPTURE(framed);
        auto client = fixture.connect();
        const auto answer = client.ask(chunked("/x", framed));
        CHECK(answer.status == 502);  // the reset kind, as the echo handler replies it
        CHECK(answer.headers.value("Connection") == "close");
        CHECK(client.ends());
    }
}

TEST_CASE("100 Continue is sent when the handler wants the body, and not before") {
    Fixture fixture;
    std::latch may_read(1);
    fixture.handlers.on_request = [&](Request& request) {
        if (request.head.path == "/no") return Reply(403);
        may_read.wait();
        return TestHandlers::echo(request);
    };
    const auto head = [](std::string_view path) {
        return base::text("PUT ", path,
                          " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                          "Expect: 100-Continue\r\n\r\n");
    };
    auto client = fixture.connect();
    client.send(head("/yes"));
    may_read.count_down();
    CHECK(client.read().status == 100);
    client.send("abc");
    CHECK(client.read().body == "abc");

    auto refused = fixture.connect();
    const auto answer = refused.ask(head("/no"));
    CHECK(answer.status == 403);  // the only answer: the body's bytes are not asked for
    CHECK(answer.headers.value("Connection") == "close");
    CHECK(refused.ends());
}

TEST_CASE("a declared length above the limit is a 413 before any handler runs") {
    Fixture fixture;
    fixture.handlers.bytes_max = 10;
    fixture.handlers.on_request = [](Request&) -> Reply { throw 1; };
    auto client = fixture.connect();
    const auto answer = client.ask(
        "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n"
        "Expect: 100-continue\r\n\r\n");
    CHECK(answer.status == 413);
    check_common(answer);
    CHECK(client.ends());
}

TEST_CASE("a chunked body above the limit is too large") {
    Fixture fixture;
    fixture.handlers.bytes_max = 10;
    CHECK(fixture.ask(chunked("/", "a\r\n0123456789\r\n0\r\n\r\n")).status == 200);
    CHECK(fixture.ask(chunked("/", "b\r\n0123456789A\r\n0\r\n\r\n")).status == 413);
    CHECK(fixture.ask(chunked("/", "a\r\n0123456789\r\n1\r\nA\r\n0\r\n\r\n")).status == 413);
}

TEST_CASE("a client that is still sending sees the early refusal") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request&) {
        return Reply::of({.kind = base::ErrorKind::unauthorized, .reason = "who are you?"});
    };
    auto client = fixture.connect();
    constexpr std::size_t kBytes = 4'000'000;  // less than what is drained
    client.send(base::text("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: ", kBytes, "\r\n\r\n"));
    CHECK(client.send(std::string(kBytes, 'x')));
    const auto answer = client.read();
    CHECK(answer.status == 401);
    check_common(answer);
    CHECK(answer.headers.value("Connection") == "close");
    CHECK(client.ends());
}

TEST_CASE("a lingering close ends at its byte limit and at its time limit") {
    Fixture fixture({.linger = base::Milliseconds{100}, .linger_bytes_max = 100'000});
    fixture.handlers.bytes_max = 2'000'000'000;
    fixture.handlers.on_request = [](Request&) { return Reply(403); };
    auto sender = fixture.connect();
    sender.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(65536, 'x');
    int pieces = 0;
    while (sender.send(piece)) ++pieces;
    CHECK(pieces < 15'000);
    auto waiter = fixture.connect();
    waiter.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
    CHECK(waiter.read().status == 403);
    fixture.until([](const auto& now) { return now.connections == 0; });
}

TEST_CASE("a client that sends more than is drained is not reset before it can read the answer") {
    Fixture fixture({.linger = base::Milliseconds{3'000}, .linger_bytes_max = 100'000});
    fixture.handlers.bytes_max = 2'000'000'000;
    fixture.handlers.on_request = [](Request&) { return Reply(403); };
    auto client = fixture.connect();
    client.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
    CHECK(client.send_until_full());
    CHECK(client.read().status == 403);
    client.hang_up();
    fixture.until([](const auto& now) { return now.connections == 0; });
}

TEST_CASE("a body that breaks off is broken, never short") {
    Fixture fixture;
    std::promise<Status> last;
    fixture.handlers.on_request = [&](Request& request) {
        std::array<std::byte, 100> piece{};
        auto got = request.body.read(piece, nullptr, base::Deadline::never());
        while (got.status == Status::bytes) {
            got = request.body.read(piece, nullptr, base::Deadline::never());
        }
        last.set_value(got.status);
        return Reply(400);
    };
    for (const auto& request :
         {std::string("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n12345"),
          chunked("/", "9\r\n12345"), chunked("/", "5\r\n12345\r\n"),
          chunked("/", "5\r\n12345\r\n0\r\n")}) {
        last = {};
        auto client = fixture.connect();
        client.send(request);
        client.shut_sending();
        CHECK(last.get_future().get() == Status::broken);
        CHECK(client.read().status == 400);
    }
}

TEST_CASE("a reader that waits for the body hears its Bell") {
    Fixture fixture;
    base::Bell bell;
    std::promise<Status> first;
    fixture.handlers.on_request = [&](Request& request) {
        std::array<std::byte, 10> piece{};
        first.set_value(request.body.read(piece, &bell, base::Deadline::never()).status);
        return TestHandlers::echo(request);
    };
    auto client = fixture.connect();
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
    bell.ring();
    CHECK(first.get_future().get() == Status::rung);
    client.send("abc");
    CHECK(client.read().body == "abc");
}

TEST_CASE("a reader's deadline ends its wait, and so does a client that is too slow") {
    Fixture fixture({.client_min_rate = 1000, .client_min_rate_over = base::Milliseconds{50}});
    fixture.handlers.on_request = [](Request& request) {
        std::array<std::byte, 10> piece{};
        const auto deadline = request.head.path == "/deadline"
                                  ? base::Deadline::after(base::Milliseconds{1})
                                  : base::Deadline::never();
        const auto got = request.body.read(piece, nullptr, deadline);
        return Reply(got.status == Status::timeout ? 408 : 500);
    };
    for (const auto* path : {"/deadline", "/slow"}) {
        const auto answer = fixture.ask(
            base::text("PUT ", path, " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"));
        CHECK(answer.status == 408);
        check_common(answer);
    }
}

TEST_CASE("read_all refuses what is longer than asked for") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request& request) {
        const auto body = request.body.read_all(4, base::Deadline::never());
        return body ? Reply(200) : Reply::of(body.error());
    };
    CHECK(fixture.ask(put("/", "1234")).status == 200);
    CHECK(fixture.ask(put("/", "12345")).status == 413);
    CHECK(fixture.ask(chunked("/", "5\r\n12345\r\n0\r\n\r\n")).status == 413);
}

}  // namespace
}  // namespace espalier::http
