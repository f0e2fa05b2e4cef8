// Connections: keeping, pipelining, half-closing, deadlines.
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "http/fixture.h"

namespace espalier::http {
namespace {

TEST_CASE("a hundred requests in one packet are answered in order") {
    const Fixture fixture;
    auto client = fixture.connect();
    std::string all;
    for (int i = 0; i < 100; ++i) {
        all += i % 3 == 0 ? put("/work", base::text("body ", i)) : get("/now");
    }
    client.send(all);
    for (int i = 0; i < 100; ++i) {
        CAPTURE(i);
        const auto answer = client.read();
        CHECK(answer.status == (i % 3 == 0 ? 200 : 307));
        if (i % 3 == 0) CHECK(answer.body == base::text("body ", i));
    }
}

TEST_CASE("a client that reads much more slowly than it asks gets every answer") {
    const Fixture fixture;
    Client client(fixture.port, 4096);
    constexpr int kRequests = 20'000;
    std::jthread sender([&] {
        std::string batch;
        for (int i = 0; i < 100; ++i) batch += get("/now");
        for (int i = 0; i < kRequests / 100; ++i) client.send(batch);
    });
    for (int i = 0; i < kRequests; ++i) REQUIRE(client.read().status == 307);
}

TEST_CASE("a head that comes byte by byte is read") {
    const Fixture fixture;
    for (const auto& request : {get("/now"), put("/work", "abc")}) {
        auto client = fixture.connect();
        for (const char c : request) client.send({&c, 1});
        CHECK(client.read().status == (request.starts_with("GET") ? 307 : 200));
    }
}

TEST_CASE("an empty line before a request is forgiven") {
    const Fixture fixture;
    auto client = fixture.connect();
    CHECK(client.ask("\r\n" + get("/now")).status == 307);
    CHECK(client.ask("\r\n" + put("/x", "a")).body == "a");
}

TEST_CASE("a client that shut its sending side after the request is answered") {
    const Fixture fixture;
    for (const auto& request : {get("/now"), get("/work"), put("/work", "abc")}) {
        auto client = fixture.connect();
        client.send(request);
        client.shut_sending();
        CHECK(client.read().status == (request.find("/now") != std::string::npos ? 307 : 200));
        CHECK(client.ends());
    }
}

struct Form {
    const char* line;
    const char* version;
    bool keeps;
};

TEST_CASE("Connection is understood in any case, as a list, and on HTTP/1.0") {
    const Fixture fixture;
    const std::vector<Form> forms{
        {"", "1.1", true},
        {"Connection: keep-alive\r\n", "1.1", true},
        {"Connection: close\r\n", "1.1", false},
        {"Connection: Close\r\n", "1.1", false},
        {"connection: close, foo\r\n", "1.1", false},
        {"Connection: foo , CLOSE\r\n", "1.1", false},
        {"Connection: foo\r\nConnection: close\r\n", "1.1", false},
        {"Connection: closed\r\n", "1.1", true},
        {"", "1.0", false},
        {"Connection: keep-alive\r\n", "1.0", true},
        {"Connection: Keep-Alive\r\n", "1.0", true},
        {"Connection: keep-alive, close\r\n", "1.0", false},
    };
    for (const auto* path : {"/now", "/work"}) {
        for (const auto& form : forms) {
            CAPTURE(form.line);
            CAPTURE(form.version);
            auto client = fixture.connect();
            const auto answer = client.ask(base::text("GET ", path, " HTTP/", form.version,
                                                      "\r\nHost: h\r\n", form.line, "\r\n"));
            check_common(answer);
            if (form.keeps) {
                CHECK(answer.headers.value("Connection") ==
                      (std::string_view(form.version) == "1.0" ? "keep-alive" : ""));
                CHECK(client.ask(get(path)).status == answer.status);
            } else {
                CHECK(answer.headers.value("Connection") == "close");
                CHECK(client.ends());
            }
        }
    }
}

TEST_CASE("a head that does not come in time is a 408, and costs no worker") {
    Fixture fixture({.reactors = 1, .head_timeout = base::Milliseconds{60}});
    CHECK(fixture.ask(get("/now")).status == 307);
    auto client = fixture.connect();
    client.send("GET / HTTP/1.1\r\nHo");
    const auto answer = client.read();
    CHECK(answer.status == 408);
    check_common(answer);
    CHECK(client.ends());
    CHECK(fixture.server.snapshot().workers == 0);
    fixture.handlers.seen.with([](const auto& seen) {
        REQUIRE(seen.size() == 2);
        CHECK(seen[1].status == 408);
        CHECK(seen[1].path.empty());  // nobody else's
    });
}

TEST_CASE("an empty line after a request begins no new one, so that no 408 follows it") {
    Fixture fixture(
        {.head_timeout = base::Milliseconds{20}, .idle_timeout = base::Milliseconds{500}});
    auto client = fixture.connect();
    CHECK(client.ask(get("/now") + "\r\n").status == 307);
    CHECK(client.read_rest().empty());
    fixture.handlers.seen.with([](const auto& seen) { CHECK(seen.size() == 1); });
}

TEST_CASE("an idle connection is closed without a word") {
    const Fixture fixture({.idle_timeout = base::Milliseconds{1'000}});
    auto fresh = fixture.connect();
    auto used = fixture.connect();
    CHECK(used.ask(get("/now")).status == 307);
    CHECK(fresh.ends());
    CHECK(used.ends());
}

TEST_CASE("more connections than allowed are told so") {
    const Fixture fixture({.connections_max = 2});
    auto first = fixture.connect();
    auto second = fixture.connect();
    CHECK(first.ask(get("/now")).status == 307);
    CHECK(second.ask(get("/now")).status == 307);
    auto third = fixture.connect();
    const auto answer = third.read();
    CHECK(answer.status == 503);
    CHECK(answer.headers.value("Retry-After") == "1");
    check_common(answer);
    CHECK(fixture.server.snapshot().connections_refused == 1);
    first.hang_up();
    fixture.until([](const auto& now) { return now.connections < 2; });
    CHECK(fixture.ask(get("/now")).status == 307);
}

TEST_CASE("several addresses are served, IPv6 among them where there is any") {
    TestHandlers handlers;
    base::Log log({.level = base::Level::error});
    Server server({.listen = {"127.0.0.1:0", ":0"}}, handlers, log);
    REQUIRE(server.start());
    REQUIRE(server.ports().size() == 2);
    for (const auto port : server.ports()) CHECK(Client(port).ask(get("/now")).status == 307);
}

TEST_CASE("an address that is taken, or none at all, is named in the error") {
    const Fixture fixture;
    TestHandlers handlers;
    base::Log log({.level = base::Level::error});
    const auto taken = base::text("127.0.0.1:", fixture.port);
    for (const auto& address : {taken, std::string("nonsense"), std::string("127.0.0.1:99999")}) {
        Server server({.listen = {address}}, handlers, log);
        const auto started = server.start();
        REQUIRE_FALSE(started);
        CHECK(started.error().reason.find(address) != std::string::npos);
    }
}

TEST_CASE("every answer is reported once, with its status and body bytes") {
    Fixture fixture;
    auto client = fixture.connect();
    std::vector<std::string> ids;
    for (const auto& request :
         {get("/now"), put("/work", "12345"), std::string("GET / HTTP/1.1\r\n\r\n")})
        ids.emplace_back(client.ask(request).headers.value("X-Request-Id"));
    fixture.server.stop(base::Deadline::never());
    fixture.handlers.seen.with([&](const auto& seen) {
        REQUIRE(seen.size() == 3);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(seen[i].request_id == ids[i]);
            CHECK(seen[i].client == "127.0.0.1");
            CHECK(seen[i].at_once == (i == 0));
        }
        CHECK(seen[0].status == 307);
        CHECK(seen[0].path == "/now");
        CHECK(seen[1].status == 200);
        CHECK(seen[1].body_bytes == 5);
        CHECK(seen[2].status == 400);
    });
    const auto snapshot = fixture.server.snapshot();
    CHECK(snapshot.requests == 2);
    CHECK(snapshot.instant == 1);
    CHECK(snapshot.refused_heads == 1);
}

TEST_CASE("no two answers have the same X-Request-Id, and the handler knows its own") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request& request) {
        Reply reply(200);
        reply.body(request.id, "text/plain");
        return reply;
    };
    auto client = fixture.connect();
    const auto first = client.ask(get("/work"));
    const auto second = client.ask(get("/work"));
    CHECK(first.body == first.headers.value("X-Request-Id"));
    CHECK(first.body != second.body);
}

TEST_CASE("forwarding headers count only from trusted proxies") {
    for (const bool trust : {false, true}) {
        Fixture fixture({.trusted_proxies = trust ? std::vector<std::string>{"127.0.0.0/8"}
                                                  : std::vector<std::string>{}});
        fixture.handlers.on_request = [](Request& request) {
            Reply reply(200);
            reply.body(base::text(request.peer, ' ', request.origin()), "text/plain");
            return reply;
        };
        const auto answer = fixture.ask(get("/",
                                            "X-Forwarded-For: 9.9.9.9, 8.8.8.8, 127.0.0.2\r\n"
                                            "X-Forwarded-Proto: https\r\n"
                                            "X-Forwarded-Host: public.example\r\n"));
        CHECK(answer.body ==
              (trust ? "8.8.8.8 https://public.example" : "127.0.0.1 http://gate.example"));
    }
}

}  // namespace
}  // namespace espalier::http
