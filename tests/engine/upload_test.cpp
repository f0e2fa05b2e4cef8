// Uploads through Pipes: pauses, early answers, and cuts that an upstream must notice.
#include <future>

#include <doctest/doctest.h>

#include "base/text.h"
#include "raw_server.h"

using namespace espalier;
using base::ErrorKind;
using engine::Pipe;
using engine::TransferRequest;
using engine::TransferState;
using test::Client;
using test::Connection;
using test::ok;
using test::RawServer;

namespace {

struct Upload {
    std::shared_ptr<Pipe> pipe;
    TransferRequest request;
};

Upload upload(const Client& client, const RawServer& server, std::uint64_t bytes,
              std::size_t capacity = 256 * 1024) {
    Upload out{.pipe = std::make_shared<Pipe>(capacity, client.bell), .request = {}};
    out.request.method = "PUT";
    out.request.url = server.url("/upload");
    out.request.upload = out.pipe;
    out.request.upload_bytes = bytes;
    return out;
}

// Feeds the whole of `bytes`, as room allows, until the exchange is decided.
void feed(Pipe& pipe, const std::string& bytes, const engine::Transfer& transfer, Client& client) {
    std::string_view left = bytes;
    test::wait_for(transfer, *client.bell, [&](const TransferState& state) {
        left.remove_prefix(pipe.write(left));
        return left.empty() || state.response_complete || state.over;
    });
    pipe.finish();
}

std::string pattern(std::size_t bytes) {
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>('a' + i * i % 23);
    return out;
}

constexpr std::string_view kTooLarge =
    "HTTP/1.1 413 Content Too Large\r\nX-Reason: no\r\nContent-Length: 4\r\n\r\nbig!";

// Reads a head, tells when `expected` bytes of the body have come, and how many came in all
// before the peer left.
struct CutServer {
    explicit CutServer(std::size_t expected)
        : server([this, expected](Connection& connection) {
              connection.read_head();
              const auto first = connection.read(expected).size();
              under_way.set_value();
              received.set_value(first + connection.drain());
          }) {}

    std::promise<void> under_way;
    std::promise<std::size_t> received;
    RawServer server;
};

}  // namespace

TEST_CASE("an upload arrives whole, with its length, through a small pipe") {
    const auto bytes = pattern(3'000'000);
    std::promise<std::string> received;
    RawServer server([&](Connection& connection) {
        const auto head = connection.read_head();
        CHECK(test::has_line(head, "Content-Length: 3000000"));
        CHECK_FALSE(head.contains("Expect"));
        received.set_value(connection.read(test::content_length(head)));
        connection.send(ok("stored"));
        connection.drain();
    });
    Client client;
    auto [pipe, request] = upload(client, server, bytes.size(), 64 * 1024);
    const auto transfer = client.start(std::move(request));
    feed(*pipe, bytes, transfer, client);
    const auto state = client.over(transfer);
    CHECK_FALSE(state.error);
    CHECK(state.response.body == "stored");
    CHECK(state.bytes_sent == bytes.size());
    CHECK(received.get_future().get() == bytes);
}

TEST_CASE("an upload that pauses for want of bytes goes on when there are some") {
    std::promise<void> first_seen;
    std::promise<std::string> received;
    RawServer server([&](Connection& connection) {
        connection.read_head();
        auto bytes = connection.read(3);
        first_seen.set_value();
        received.set_value(bytes + connection.read(3));
        connection.send(ok(""));
        connection.drain();
    });
    Client client;
    auto [pipe, request] = upload(client, server, 6);
    const auto transfer = client.start(std::move(request));
    pipe->write("abc");
    first_seen.get_future().wait();  // so that the engine has found the Pipe empty since
    CHECK_FALSE(transfer.decided());
    pipe->write("def");
    CHECK_FALSE(client.over(transfer).error);
    CHECK(received.get_future().get() == "abcdef");
}

TEST_CASE("an early refusal is complete, and over, while the body is unsent") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send(kTooLarge);
        connection.drain();
    });
    Client client;
    SUBCASE("with some of it sent") {
        auto [pipe, request] = upload(client, server, 1'000'000);
        pipe->write("a beginning");
        const auto state = client.run(std::move(request));
        CHECK_FALSE(state.error);
        CHECK(state.response_complete);
        CHECK(state.response.status == 413);
        CHECK(state.response.body == "big!");
        CHECK(pipe->end() == Pipe::End::abandoned);
        CHECK(pipe->write("more") == 0);
    }
    SUBCASE("with none of it sent") {
        auto [pipe, request] = upload(client, server, 1'000'000);
        CHECK(client.run(std::move(request)).response.status == 413);
    }
}

TEST_CASE("an early chunked refusal is complete, too") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send(
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
        connection.drain();
    });
    Client client;
    auto [pipe, request] = upload(client, server, 1'000'000);
    const auto state = client.run(std::move(request));
    CHECK_FALSE(state.error);
    CHECK(state.response.status == 403);
    CHECK(state.response.body == "no");
}

TEST_CASE("an early success is complete, and its owner decides what becomes of the body") {
    const std::string framed = ok("have it");
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhave it\r\n0\r\n\r\n";
    const std::string* answer = &framed;
    std::promise<std::size_t> received;
    SUBCASE("framed") {
        answer = &framed;
    }
    SUBCASE("chunked") {
        answer = &chunked;
    }
    RawServer server([&](Connection& connection) {
        connection.read_head();
        connection.send(*answer);
        received.set_value(connection.drain());
    });
    Client client;
    auto [pipe, request] = upload(client, server, 100);
    pipe->write("0123456789");
    {
        const auto transfer = client.start(std::move(request));
        const auto state = client.complete(transfer);
        CHECK(state.response_complete);
        CHECK_FALSE(state.over);
        CHECK(state.response.body == "have it");
        CHECK(transfer.decided());
    }
    CHECK(received.get_future().get() == 10);
    CHECK(client.engine.snapshot().started == 1);
}

TEST_CASE("a body may be sent to its end behind an early success") {
    RawServer server([](Connection& connection) {
        for (;;) {
            const auto head = connection.read_head();
            if (head.empty()) return;
            connection.send(ok("early"));
            connection.read(test::content_length(head));
        }
    });
    Client client;
    for (int i = 0; i < 3; ++i) {
        auto [pipe, request] = upload(client, server, 6);
        const auto transfer = client.start(std::move(request));
        CHECK_FALSE(client.complete(transfer).over);
        pipe->write("abcdef");
        pipe->finish();
        CHECK_FALSE(client.over(transfer).error);
    }
    CHECK(server.connections() == 1);
}

TEST_CASE("an early refusal counts although the connection is reset behind it") {
    RawServer server([](Connection& connection) {
        connection.narrow();
        connection.read_head();
        connection.send(kTooLarge);
        connection.reset();  // unread bytes of the body or not
    });
    Client client;
    const auto bytes = pattern(4'000'000);
    int answered = 0;
    for (int i = 0; i < 100; ++i) {
        auto [pipe, request] = upload(client, server, bytes.size());
        pipe->write(bytes);
        const auto transfer = client.start(std::move(request));
        feed(*pipe, bytes, transfer, client);
        const auto state = client.over(transfer);
        // Whether the answer's bytes survive the reset is up to the kernel, but when they do…
        if (state.response.status == 0) continue;
        ++answered;
        CHECK_FALSE(state.error);
        CHECK(state.response.status == 413);
    }
    CHECK(answered > 0);
}

TEST_CASE("an early refusal counts when the connection closes before its body is whole") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 1000\r\n\r\npartly");
    });
    Client client;
    auto [pipe, request] = upload(client, server, 1'000'000);
    const auto state = client.run(std::move(request));
    CHECK_FALSE(state.error);
    CHECK(state.response.status == 413);
    CHECK(state.response.body == "partly");
}

TEST_CASE("an early success cut short is no success") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npartly");
    });
    Client client;
    auto [pipe, request] = upload(client, server, 1'000'000);
    CHECK(client.run(std::move(request)).error->kind == ErrorKind::reset);
}

TEST_CASE("an upstream that leaves while the upload is paused is noticed") {
    RawServer server([](Connection& connection) { connection.read_head(); });
    Client client;
    auto [pipe, request] = upload(client, server, 100);
    const auto state = client.run(std::move(request));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::reset);
    CHECK_FALSE(state.error->retryable);
}

TEST_CASE("an upload that is not finished never looks whole to the upstream") {
    CutServer upstream(9);
    Client client;
    auto [pipe, request] = upload(client, upstream.server, 10);
    pipe->write("012345678");  // all but the last byte
    ErrorKind expected = ErrorKind::cancelled;
    auto transfer = client.start(std::move(request));
    upstream.under_way.get_future().wait();
    SUBCASE("when it is cancelled") {
        transfer.cancel();
    }
    SUBCASE("when its pipe fails") {
        pipe->fail();
    }
    SUBCASE("when its pipe fails, and takes no more") {
        pipe->fail();
        CHECK(pipe->write("9") == 0);
    }
    SUBCASE("when its pipe ends too soon") {
        pipe->finish();
    }
    SUBCASE("when the engine shuts down") {
        client.engine.shut_down();
        expected = ErrorKind::shutting_down;
    }
    CHECK(client.over(transfer).error->kind == expected);
    CHECK(upstream.received.get_future().get() == 9);
}

TEST_CASE("destroying the handle cuts an unfinished upload") {
    CutServer upstream(4);
    Client client;
    auto [pipe, request] = upload(client, upstream.server, 1'000'000);
    pipe->write("some");
    {
        const auto transfer = client.start(std::move(request));
        upstream.under_way.get_future().wait();
    }
    CHECK(upstream.received.get_future().get() == 4);
}

TEST_CASE("no more than the announced length is sent") {
    RawServer server([](Connection& connection) {
        const auto head = connection.read_head();
        const auto body = connection.read(test::content_length(head));
        connection.send(ok(body));
        CHECK(connection.drain() == 0);
    });
    Client client;
    auto [pipe, request] = upload(client, server, 4);
    pipe->write("abcdefgh");
    CHECK(client.run(std::move(request)).response.body == "abcd");
}

TEST_CASE("an upload of nothing is a request with the length 0") {
    RawServer server([](Connection& connection) {
        CHECK(test::has_line(connection.read_head(), "Content-Length: 0"));
        connection.send(ok("empty"));
        connection.drain();
    });
    Client client;
    auto [pipe, request] = upload(client, server, 0);
    pipe->finish();
    CHECK(client.run(std::move(request)).response.body == "empty");
}

TEST_CASE("an upload that used a dead connection is not begun again with bytes missing") {
    std::atomic<int> requests{0};
    RawServer server([&](Connection& connection) {
        connection.read_head();
        connection.send(ok(""));
        if (!connection.read_head().empty()) ++requests;
        connection.read(4);  // and leaves without an answer
    });
    Client client;
    TransferRequest get;
    get.url = server.url();
    CHECK_FALSE(client.run(std::move(get)).error);
    auto [pipe, request] = upload(client, server, 8);
    pipe->write("abcd");
    const auto state = client.run(std::move(request));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::reset);
    CHECK(requests == 1);
    CHECK(server.connections() == 1);
}
