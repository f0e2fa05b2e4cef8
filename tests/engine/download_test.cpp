// Downloads into Pipes: back-pressure, ends, and readers that leave.
#include <array>
#include <cstring>
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
using test::RawServer;

namespace {

std::string pattern(std::size_t bytes) {
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>('a' + i * i % 23);
    return out;
}

RawServer::Script serve(std::string head, const std::string& body) {
    return [head = std::move(head), body](Connection& connection) {
        connection.read_head();
        if (connection.send(head)) connection.send(body);
    };
}

struct Download {
    std::shared_ptr<Pipe> pipe;
    engine::Transfer transfer;
};

Download download(Client& client, const RawServer& server, std::size_t capacity) {
    auto pipe = std::make_shared<Pipe>(capacity, client.bell);
    TransferRequest request;
    request.url = server.url();
    request.download = pipe;
    return {.pipe = pipe, .transfer = client.start(std::move(request))};
}

// Reads in pieces of at most `piece` bytes until the Pipe has ended.
std::string read_all(const Download& from, Client& client, std::size_t piece) {
    std::string out;
    test::wait_for(from.transfer, *client.bell, [&](const TransferState&) {
        for (;;) {
            const auto slice = from.pipe->read_slice(piece);
            const auto before = out.size();
            out.resize(before + slice.size());
            if (!slice.empty())
                std::memcpy(out.data() + before, slice.bytes().data(), slice.size());
            if (slice.empty()) return from.pipe->end() != Pipe::End::open;
        }
    });
    return out;
}

}  // namespace

TEST_CASE("a download passes whole through a pipe of any size") {
    const auto body = pattern(210'000);
    std::string head = base::text("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(), "\r\n\r\n");
    std::string sent = body;
    std::size_t capacity = 0;
    SUBCASE("a large one") {
        capacity = 1024 * 1024;
    }
    SUBCASE("one smaller than curl's pieces") {
        capacity = 5'000;
    }
    SUBCASE("one of a few bytes") {
        capacity = 100;
    }
    SUBCASE("a body up to the end of the connection") {
        capacity = 20'000;
        head = "HTTP/1.1 200 OK\r\n\r\n";
    }
    SUBCASE("a chunked body") {
        capacity = 20'000;
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        sent.clear();
        for (std::size_t at = 0; at < body.size(); at += 7'000)
            sent += base::text("1b58\r\n", body.substr(at, 7'000), "\r\n");
        sent += "0\r\n\r\n";
    }
    RawServer server(serve(head, sent));
    Client client;
    const auto from = download(client, server, capacity);
    CHECK(read_all(from, client, 3'000) == body);
    const auto state = client.over(from.transfer);
    CHECK_FALSE(state.error);
    CHECK(state.response_complete);
    CHECK(state.response.status == 200);
    CHECK(state.bytes_received == body.size());
    CHECK(state.response.body.empty());
}

TEST_CASE("a full pipe holds the upstream back") {
    const std::size_t bytes = 32 * 1024 * 1024;
    std::atomic<bool> all_sent{false};
    RawServer server([&](Connection& connection) {
        connection.read_head();
        connection.send(base::text("HTTP/1.1 200 OK\r\nContent-Length: ", bytes, "\r\n\r\n"));
        all_sent = connection.send(std::string(bytes, 'x'));
    });
    Client client;
    const auto from = download(client, server, 64 * 1024);
    test::wait_for(from.transfer, *client.bell,
                   [&](const auto&) { return from.pipe->size() >= from.pipe->capacity() / 2; });
    CHECK(from.transfer.state().head_received);
    CHECK_FALSE(from.transfer.state().response_complete);
    CHECK_FALSE(all_sent);
    CHECK(read_all(from, client, 256 * 1024).size() == bytes);
    CHECK_FALSE(client.over(from.transfer).error);
}

TEST_CASE("the first bytes are told of at once, however few") {
    std::promise<void> seen;
    RawServer server([&](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\n\r\ntoken");
        seen.get_future().wait();
    });
    Client client;
    const auto from = download(client, server, 1024 * 1024);
    test::wait_for(from.transfer, *client.bell,
                   [&](const auto&) { return from.pipe->size() == 5; });
    seen.set_value();
    CHECK(read_all(from, client, 100) == "token");
}

TEST_CASE("a download that breaks off fails its pipe and keeps what came") {
    RawServer server(serve("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "abc"));
    Client client;
    const auto from = download(client, server, 1000);
    CHECK(client.over(from.transfer).error->kind == ErrorKind::reset);
    CHECK(from.pipe->end() == Pipe::End::failed);
    std::array<std::byte, 10> out{};
    CHECK(from.pipe->read(out) == 3);
}

TEST_CASE("a reader that leaves cuts the download") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        while (connection.send(std::string(100'000, 'x'))) {
        }
    });
    Client client;
    const auto from = download(client, server, 10'000);
    test::wait_for(from.transfer, *client.bell, [&](const auto&) { return from.pipe->size() > 0; });
    from.pipe->abandon();
    CHECK(client.over(from.transfer).error->kind == ErrorKind::cancelled);
}

TEST_CASE("an empty body ends the pipe") {
    RawServer server(serve("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""));
    Client client;
    const auto from = download(client, server, 100);
    CHECK_FALSE(client.over(from.transfer).error);
    CHECK(from.pipe->end() == Pipe::End::finished);
}

TEST_CASE("a refused connection fails the pipe") {
    Client client;
    engine::Url url;
    auto pipe = std::make_shared<Pipe>(10, client.bell);
    {
        RawServer gone(test::always(""));
        url = gone.url();
    }
    TransferRequest request;
    request.url = url;
    request.download = pipe;
    CHECK(client.run(std::move(request)).error->kind == ErrorKind::refused);
    CHECK(pipe->end() == Pipe::End::failed);
}
