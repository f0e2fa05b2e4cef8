// What cpp-httplib got wrong, as raw bytes against the whole Server.
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "http/fixture.h"

namespace espalier::http {
namespace {

struct Row {
    const char* what;
    std::string bytes;
    int status;
};

std::string request(std::string_view lines) {
    return base::text("PUT /x HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

std::vector<Row> refused_heads() {
    return {
        {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
        {"one bare LF", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400},
        {"bare CR", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400},
        {"NUL", base::text("GET / HTTP/1.1\r\nHost: h\r\nA: b", '\0', "c\r\n\r\n"), 400},
        {"control byte", "GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n", 400},
        {"folded line", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c: d\r\n\r\n", 400},
        {"space before colon", request("Content-Length : 3\r\n"), 400},
        {"no colon", request("Nothing\r\n"), 400},
        {"empty name", request(": x\r\n"), 400},
        {"two Hosts", request("Host: h\r\n"), 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"bad Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"length and coding", request("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"coding and length", request("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
        {"two lengths", request("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
        {"length list", request("Content-Length: 3, 3\r\n"), 400},
        {"length +3", request("Content-Length: +3\r\n"), 400},
        {"length 3x", request("Content-Length: 3x\r\n"), 400},
        {"length abc", request("Content-Length: abc\r\n"), 400},
        {"length empty", request("Content-Length:\r\n"), 400},
        {"length huge", request("Content-Length: 99999999999999999999\r\n"), 400},
        {"coding gzip", request("Transfer-Encoding: gzip\r\n"), 501},
        {"coding list", request("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"coding xchunked", request("Transfer-Encoding: xchunked\r\n"), 501},
        {"two codings", request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         400},
        {"coding on 1.0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"no version", "GET /\r\n\r\n", 400},
        {"lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"trailing space", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
        {"version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
        {"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
        {"asterisk", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"relative target", "GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"fragment", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"other scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"raw UTF-8 target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"bad method", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
        {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
        {"expectation", request("Expect: 200-ok\r\n"), 417},
        {"long target", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
        {"endless target", "GET /" + std::string(20'000, 'a'), 414},
        {"long head", request("A: " + std::string(17'000, 'a') + "\r\n"), 431},
        {"endless head", "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(20'000, 'a'), 431},
    };
}

TEST_CASE("a head that could be read in two ways is refused, and the connection closed") {
    const Fixture fixture;
    for (const auto& row : refused_heads()) {
        CAPTURE(row.what);
        auto client = fixture.connect();
        const auto answer = client.ask(row.bytes);
        CHECK(answer.status == row.status);
        check_common(answer);
        if (row.status == 405 && std::string_view(row.what) == "unknown method") continue;
        CHECK(answer.headers.value("Connection") == "close");
        CHECK(answer.body.starts_with("{\"message\":"));
        CHECK(client.ends());
    }
}

TEST_CASE("more than a hundred header lines are too many") {
    const Fixture fixture;
    std::string lines;
    for (int i = 0; i < 99; ++i) lines += "A: b\r\n";
    CHECK(fixture.ask(get("/now", lines)).status == 307);
    CHECK(fixture.ask(get("/now", lines + "A: b\r\n")).status == 431);
}

TEST_CASE("an absolute target is rewritten and its authority counts more than Host") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request& request) {
        Reply reply(200);
        reply.body(base::text(request.origin(), ' ', request.head.target), "text/plain");
        return reply;
    };
    CHECK(fixture.ask("GET http://real.example:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n").body ==
          "http://real.example:81 /a?b");
    CHECK(fixture.ask("GET http://real.example HTTP/1.1\r\nHost: other\r\n\r\n").body ==
          "http://real.example /");
}

TEST_CASE("OPTIONS answers a preflight, for the asterisk too") {
    const Fixture fixture;
    for (const auto* target : {"*", "/upload"}) {
        const auto answer =
            fixture.ask(base::text("OPTIONS ", target, " HTTP/1.1\r\nHost: h\r\n\r\n"));
        CHECK(answer.status == 204);
        check_common(answer);
        CHECK(answer.headers.value("Access-Control-Allow-Methods") ==
              "GET, HEAD, PUT, DELETE, OPTIONS");
        CHECK(answer.headers.value("Access-Control-Allow-Headers") ==
              "Authorization, Content-Type, Content-Length, Range, If-None-Match, If-Range, "
              "X-SHA-256, X-Content-Type, X-Content-Length, X-Cashu, X-Lightning, "
              "X-Min-Upstreams, *");
        CHECK(answer.headers.value("Access-Control-Max-Age") == "86400");
        CHECK_FALSE(answer.headers.has("Content-Length"));
    }
}

TEST_CASE("percent-encoded line breaks in a value stay as they are") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request& request) {
        Reply reply(200);
        reply.header("X-Back", request.head.value("X-In"));
        return reply;
    };
    const auto answer = fixture.ask(get("/", "X-In: a%0d%0ab%00\r\nREMOTE_ADDR: x\r\n"));
    CHECK(answer.headers.value("X-Back") == "a%0d%0ab%00");
}

TEST_CASE("a body on GET is never the next request") {
    const Fixture fixture;
    auto client = fixture.connect();
    const std::string inner = get("/now");
    client.send(base::text("GET /work HTTP/1.1\r\nHost: h\r\nContent-Length: ", inner.size(),
                           "\r\n\r\n", inner, get("/now")));
    CHECK(client.read().body == inner);
    CHECK(client.read().status == 307);
    client.send(get("/now", "Connection: close\r\n"));
    CHECK(client.read().status == 307);
    CHECK(client.ends());
}

TEST_CASE("a body that the handler did not read is never the next request") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request&) { return Reply(401); };
    auto client = fixture.connect();
    client.send(put("/upload", get("/smuggled")) + get("/now"));
    CHECK(client.read().status == 401);
    CHECK(client.read().status == 307);
}

TEST_CASE("no Accept-Encoding makes a reply other than what the handler gave") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request&) {
        return Reply::json(200, std::string(100'000, 'x'));
    };
    const auto answer = fixture.ask(get("/", "Accept-Encoding: br, gzip\r\nRange: bytes=1-2\r\n"));
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.headers.has("Content-Encoding"));
    CHECK(answer.body.size() == 100'000);
}

TEST_CASE("an instant handler that throws leaves the request to a worker") {
    struct Throwing : TestHandlers {
        bool instant(const Head&, std::string_view, InstantReply& reply) override {
            reply.begin(200);
            throw std::runtime_error("secret");
        }
    };
    Throwing handlers;
    base::Log log({.level = base::Level::error});
    Server server({}, handlers, log);
    REQUIRE(server.start());
    CHECK(Client(server.ports().at(0)).ask(put("/x", "abc")).body == "abc");
    CHECK(Client(server.ports().at(0)).ask(get("/x")).status == 200);
}

TEST_CASE("an exception in a handler is a 500 that tells nothing") {
    Fixture fixture;
    fixture.handlers.on_request = [](Request& request) -> Reply {
        if (request.head.path == "/odd") throw 1;
        throw std::runtime_error("secret");
    };
    for (const auto* path : {"/", "/odd"}) {
        const auto answer = fixture.ask(get(path));
        CHECK(answer.status == 500);
        check_common(answer);
        CHECK(answer.raw_head.find("secret") == std::string::npos);
        CHECK(answer.body.find("secret") == std::string::npos);
    }
}

}  // namespace
}  // namespace espalier::http
