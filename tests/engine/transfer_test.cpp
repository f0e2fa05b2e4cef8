// Small exchanges: methods, headers, framing, connections, errors.
#include <mutex>

#include <doctest/doctest.h>

#include "base/text.h"
#include "raw_server.h"

using namespace espalier;
using base::ErrorKind;
using engine::Engine;
using engine::TransferRequest;
using test::always;
using test::Client;
using test::Connection;
using test::ok;
using test::RawServer;

namespace {

// Answers like always(), and keeps the requests.
class Recorder {
public:
    explicit Recorder(std::string response) : response_(std::move(response)) {}

    RawServer::Script script() {
        return [this](Connection& connection) {
            for (;;) {
                const auto head = connection.read_head();
                if (head.empty()) return;
                const auto body = connection.read(test::content_length(head));
                requests_.with([&](auto& all) { all.push_back(head + body); });
                if (!connection.send(response_)) return;
            }
        };
    }
    std::string last() const {
        return requests_.with([](const auto& all) { return all.empty() ? "" : all.back(); });
    }
    std::size_t count() const {
        return requests_.with([](const auto& all) { return all.size(); });
    }

private:
    const std::string response_;
    base::Guarded<std::vector<std::string>> requests_;
};

TransferRequest request(std::string method, const engine::Url& url) {
    TransferRequest out;
    out.method = std::move(method);
    out.url = url;
    return out;
}

}  // namespace

TEST_CASE("a GET brings status, headers and body") {
    RawServer server(
        always("HTTP/1.1 200 OK\r\nX-Reason: because\r\nContent-Length: 5\r\n\r\nhello"));
    Client client;
    const auto state = client.run(request("GET", server.url("/a")));
    CHECK_FALSE(state.error);
    CHECK(state.response_complete);
    CHECK(state.response.status == 200);
    CHECK(state.response.headers.value("x-reason") == "because");
    CHECK(state.response.body == "hello");
    CHECK(state.bytes_received == 5);
}

TEST_CASE("a HEAD is complete although a length is announced") {
    RawServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
    Client client;
    const auto state = client.run(request("HEAD", server.url()));
    CHECK_FALSE(state.error);
    CHECK(state.response.headers.value("Content-Length") == "1000");
    CHECK(state.response.body.empty());
}

TEST_CASE("a request says what it should and nothing of curl's own") {
    Recorder recorder(ok(""));
    RawServer server(recorder.script());
    Client client;
    auto put = request("PUT", server.url("/upload?x=1"));
    put.body = "payload";
    put.headers.add("X-SHA-256", "abc");
    put.headers.add("Host", "evil");
    put.headers.add("X-Empty", "");
    const auto state = client.run(std::move(put));
    CHECK(state.bytes_sent == 7);
    const auto seen = recorder.last();
    CHECK(seen.starts_with("PUT /upload?x=1 HTTP/1.1\r\n"));
    CHECK(seen.ends_with("\r\n\r\npayload"));
    CHECK(test::has_line(seen, "Content-Length: 7"));
    CHECK(test::has_line(seen, "X-SHA-256: abc"));
    CHECK(test::has_line(seen, "X-Empty:"));
    CHECK(test::has_line(seen, "Accept-Encoding: identity"));
    CHECK(test::has_line(seen, "User-Agent: espalier"));
    CHECK(test::has_line(seen, "Host: " + server.address()));
    CHECK_FALSE(seen.contains("evil"));
    CHECK_FALSE(seen.contains("Expect"));
    CHECK_FALSE(seen.contains("Content-Type"));
}

TEST_CASE("every method goes out under its own name") {
    Recorder recorder(ok(""));
    RawServer server(recorder.script());
    Client client;
    for (const std::string method : {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"}) {
        CHECK_FALSE(client.run(request(method, server.url("/m"))).error);
        CHECK(recorder.last().starts_with(method + " /m HTTP/1.1\r\n"));
    }
    CHECK(test::has_line(recorder.last(), "Accept-Encoding: identity"));
}

TEST_CASE("a body may go with any method, and an empty one says so") {
    Recorder recorder(ok(""));
    RawServer server(recorder.script());
    Client client;
    auto remove = request("DELETE", server.url());
    remove.body = "[]";
    client.run(std::move(remove));
    CHECK(recorder.last().ends_with("\r\n\r\n[]"));
    client.run(request("PUT", server.url()));
    CHECK(test::has_line(recorder.last(), "Content-Length: 0"));
}

TEST_CASE("what cannot be sent is over at once") {
    Client client;
    RawServer server(always(ok("")));
    auto broken = request("GET", server.url());
    broken.headers.add("X-A", "b\r\nX-C: d");
    auto lengthless = request("PUT", server.url());
    lengthless.upload = std::make_shared<engine::Pipe>(10, client.bell);
    for (auto& bad : {request("BREW", server.url()), request("GET", {}), broken, lengthless}) {
        const auto transfer = client.start(bad);
        CHECK(transfer.state().over);
        CHECK(transfer.state().error->kind == ErrorKind::invalid);
    }
    CHECK(server.connections() == 0);
}

TEST_CASE("connections are kept and used again") {
    RawServer server(always(ok("x")));
    Client client;
    for (int i = 0; i < 20; ++i) CHECK_FALSE(client.run(request("GET", server.url())).error);
    CHECK(server.connections() == 1);
    CHECK(client.engine.snapshot().connections_opened == 1);
    CHECK(client.engine.snapshot().started == 20);
    CHECK(client.engine.snapshot().finished == 20);
    CHECK(client.engine.snapshot().transfers == 0);
}

TEST_CASE("a connection that died while idle is replaced without a word") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send(ok("x"));
        if (connection.number > 1) connection.drain();
    });
    Client client;
    CHECK_FALSE(client.run(request("GET", server.url())).error);
    CHECK_FALSE(client.run(request("GET", server.url())).error);
    CHECK(server.connections() == 2);
}

TEST_CASE("a POST, or a PUT of nothing, that may have landed is not sent again") {
    for (const auto* method : {"POST", "PUT"}) {
        std::atomic<int> received{0};
        RawServer server([&](Connection& connection) {
            while (connection.read_head().starts_with("GET")) connection.send(ok("x"));
            ++received;  // and leaves without an answer
        });
        Client client;
        CHECK_FALSE(client.run(request("GET", server.url())).error);
        const auto state = client.run(request(method, server.url()));
        REQUIRE(state.error);
        CHECK(state.error->kind == ErrorKind::reset);
        CHECK_FALSE(state.error->retryable);
        CHECK(received == 1);
        CHECK(server.connections() == 2);  // not over one that may be dead
    }
}

TEST_CASE("interim answers are not the answer") {
    RawServer server(
        always("HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n"
               "HTTP/1.1 201 Created\r\nX-B: 2\r\nContent-Length: 2\r\n\r\nhi"));
    Client client;
    const auto state = client.run(request("GET", server.url()));
    CHECK(state.response.status == 201);
    CHECK_FALSE(state.response.headers.has("X-A"));
    CHECK(state.response.body == "hi");
}

TEST_CASE("chunked bodies and bodies up to the end of the connection are whole") {
    RawServer chunked(always(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    RawServer until_close([](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\n\r\nabcde");
    });
    Client client;
    for (const auto& url : {chunked.url(), until_close.url()}) {
        const auto state = client.run(request("GET", url));
        CHECK_FALSE(state.error);
        CHECK(state.response.body == "abcde");
    }
}

TEST_CASE("204 and 304 have no body") {
    RawServer none(always("HTTP/1.1 204 No Content\r\n\r\n"));
    RawServer same(always("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"));
    Client client;
    CHECK(client.run(request("DELETE", none.url())).response_complete);
    CHECK(client.run(request("GET", same.url())).response_complete);
}

TEST_CASE("an upstream that nobody listens at is refused, and may be tried again") {
    engine::Url url;
    {
        RawServer gone(always(ok("")));
        url = gone.url();
    }
    Client client;
    const auto state = client.run(request("GET", url));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::refused);
    CHECK(state.error->origin == base::Origin::upstream);
    CHECK(state.error->retryable);
    CHECK(state.error->reason.contains(url.authority()));
}

TEST_CASE("a name without an address is refused, and is named") {
    Client client;
    const auto url = engine::Url::parse("http://nowhere.invalid/").value();
    const auto state = client.run(request("GET", url));
    REQUIRE(state.error);
    // Where no resolver answers, it takes too long instead.
    const auto kind = state.error->kind;
    CHECK((kind == ErrorKind::refused || kind == ErrorKind::timeout));
    CHECK(state.error->retryable);
    CHECK(state.error->reason.contains("nowhere.invalid"));
}

TEST_CASE("plain HTTP where TLS was expected is a TLS error") {
    RawServer server([](Connection& connection) {
        connection.read(1);
        connection.send(ok(""));
        connection.drain();
    });
    Client client;
    const auto url = engine::Url::parse("https://" + server.address() + "/").value();
    const auto state = client.run(request("GET", url));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::tls);
}

TEST_CASE("a body cut short is a reset") {
    RawServer server([](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    });
    Client client;
    const auto state = client.run(request("GET", server.url()));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::reset);
    CHECK(state.error->upstream_status == 200);
    CHECK_FALSE(state.response_complete);
    CHECK(state.response.body == "abc");
}

TEST_CASE("no answer at all is a reset") {
    RawServer server([](Connection& connection) { connection.read_head(); });
    Client client;
    CHECK(client.run(request("GET", server.url())).error->kind == ErrorKind::reset);
}

TEST_CASE("what is not HTTP, or too long, is the upstream's fault") {
    const std::string endless(100'000, 'x');
    const std::string many = [] {
        std::string lines;
        for (int i = 0; i < 3000; ++i) lines += base::text("X-", i, ": y\r\n");
        return lines;
    }();
    RawServer noise(always("220 ready for mail\r\n\r\n"));
    RawServer head(always("HTTP/1.1 200 OK\r\n" + many + "\r\n"));
    RawServer announced(always("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + endless));
    RawServer unannounced([&](Connection& connection) {
        connection.read_head();
        connection.send("HTTP/1.1 200 OK\r\n\r\n" + endless);
    });
    Client client;
    for (const auto* server : {&noise, &head, &announced, &unannounced}) {
        const auto state = client.run(request("GET", server->url()));
        REQUIRE(state.error);
        CHECK(state.error->kind == ErrorKind::upstream);
        CHECK_FALSE(state.response_complete);
    }
}

TEST_CASE("the host is kept when another place is connected to") {
    Recorder recorder(ok("here"));
    RawServer server(recorder.script());
    Client client;
    auto get = request("GET", engine::Url::parse("http://blobs.example/x").value());
    get.connect_to = server.address();
    CHECK(client.run(std::move(get)).response.body == "here");
    CHECK(test::has_line(recorder.last(), "Host: blobs.example"));
}

TEST_CASE("five hundred exchanges run side by side") {
    RawServer server(always(ok("pong")));
    Client client;
    std::vector<engine::Transfer> transfers;
    transfers.reserve(500);
    for (int i = 0; i < 500; ++i) transfers.push_back(client.start(request("GET", server.url())));
    for (const auto& transfer : transfers) CHECK(client.over(transfer).response.body == "pong");
    CHECK(client.engine.snapshot().finished == 500);
}

TEST_CASE("two engines do not know of each other") {
    RawServer server(always(ok("x")));
    Client first;
    {
        Client second;
        CHECK_FALSE(first.run(request("GET", server.url())).error);
        CHECK_FALSE(second.run(request("GET", server.url())).error);
        CHECK(second.engine.snapshot().started == 1);
    }
    CHECK_FALSE(first.run(request("GET", server.url())).error);
    CHECK(server.connections() == 2);
}

TEST_CASE("shutting down ends every transfer and refuses new ones") {
    RawServer server([](Connection& connection) { connection.drain(); });
    Client client;
    std::vector<engine::Transfer> transfers;
    transfers.reserve(51);
    for (int i = 0; i < 50; ++i) transfers.push_back(client.start(request("GET", server.url())));
    client.engine.shut_down();
    transfers.push_back(client.start(request("GET", server.url())));
    for (const auto& transfer : transfers)
        CHECK(client.over(transfer).error->kind == ErrorKind::shutting_down);
}

TEST_CASE("a transfer may outlive its engine") {
    RawServer server([](Connection& connection) { connection.drain(); });
    auto bell = std::make_shared<base::Bell>();
    engine::Transfer transfer;
    auto pipe = std::make_shared<engine::Pipe>(10, bell);
    {
        Engine engine{Engine::Options{}};
        auto put = request("PUT", server.url());
        put.upload = pipe;
        put.upload_bytes = 100;
        transfer = engine.start(std::move(put), bell);
    }
    CHECK(transfer.state().error->kind == ErrorKind::shutting_down);
    CHECK(pipe->write("late") == 0);
    pipe->fail();
    transfer.cancel();
}

TEST_CASE("a cancelled exchange is over") {
    RawServer server([](Connection& connection) { connection.drain(); });
    Client client;
    auto transfer = client.start(request("GET", server.url()));
    transfer.cancel();
    CHECK(client.over(transfer).error->kind == ErrorKind::cancelled);
}

TEST_CASE("cancelling what is already answered keeps the connection warm") {
    RawServer server(always(ok("x")));
    Client client;
    for (int i = 0; i < 20; ++i) {
        const auto transfer = client.start(request("GET", server.url()));
        CHECK_FALSE(client.complete(transfer).error);
    }
    CHECK(server.connections() == 1);
}
