// A Server with handlers that tests set as functions, and what they saw.
//
// Threads: the functions run where the Server says; set them before asking.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "http/client.h"
#include "http/server.h"

namespace espalier::http {

struct Seen {
    std::string method;
    std::string path;
    int status = 0;
    std::uint64_t body_bytes = 0;
    std::string client, request_id;
    bool at_once = false, cut = false;
};

// Answers GET /now at once; every other request on a worker, by `on_request`.
class TestHandlers : public Handlers {
public:
    bool instant(const Head& head, std::string_view /*peer*/, InstantReply& reply) override {
        if (head.method == "OPTIONS") return preflight(reply), true;
        if (head.path != "/now") return false;
        reply.begin(307);
        reply.header("Location", "http://elsewhere.example/now");
        reply.end({}, head.method == "HEAD");
        return true;
    }
    Lane lane(const Head& head) const override {
        if (head.path == "/health") return Lane::reserved;
        return head.path == "/bulk" ? Lane::bulk : Lane::ordinary;
    }
    Reply handle(Request& request) override { return on_request(request); }
    std::uint64_t body_bytes_max(const Head& /*head*/) const override { return bytes_max; }
    void answered(const Answered& answer) override {
        seen.with([&](auto& all) {
            all.push_back({.method = std::string(answer.head.method),
                           .path = std::string(answer.head.path),
                           .status = answer.status,
                           .body_bytes = answer.body_bytes,
                           .client = std::string(answer.client),
                           .request_id = std::string(answer.request_id),
                           .at_once = answer.at_once,
                           .cut = answer.cut});
        });
    }

    std::function<Reply(Request&)> on_request = [](Request& request) { return echo(request); };
    std::uint64_t bytes_max = 64'000'000;
    base::Guarded<std::vector<Seen>> seen;

    // The request's body as the reply's.
    static Reply echo(Request& request) {
        auto body = request.body.read_all(64'000'000, base::Deadline::never());
        if (!body) return Reply::of(body.error());
        Reply reply(200);
        reply.body(std::move(*body), "text/plain");
        return reply;
    }
};

struct Fixture {
    explicit Fixture(const Server::Options& options = {}) : server(options, handlers, log) {
        REQUIRE(server.start());
        port = server.ports().at(0);
    }
    Client connect() const { return Client(port); }
    Answer ask(std::string_view request, bool to_head = false) const {
        return connect().ask(request, to_head);
    }
    // Waits until the snapshot looks right; the test's own time limit ends it otherwise.
    void until(const std::function<bool(const Server::Snapshot&)>& right) const {
        for (int i = 0; i < 20'000 && !right(server.snapshot()); ++i) {
            base::Bell().wait(base::Deadline::after(base::Milliseconds{1}));
        }
        CHECK(right(server.snapshot()));
    }

    base::Log log{{.level = base::Level::error}};
    TestHandlers handlers;
    Server server;
    std::uint16_t port = 0;
};

inline std::string get(std::string_view path, std::string_view more = {}) {
    return base::text("GET ", path, " HTTP/1.1\r\nHost: gate.example\r\n", more, "\r\n");
}

inline std::string put(std::string_view path, std::string_view body, std::string_view more = {}) {
    return base::text("PUT ", path,
                      " HTTP/1.1\r\nHost: gate.example\r\nContent-Length: ", body.size(), "\r\n",
                      more, "\r\n", body);
}

// What every answer must have.
inline void check_common(const Answer& answer) {
    INFO(answer.raw_head);
    CHECK(answer.headers.value("Access-Control-Allow-Origin") == "*");
    CHECK(answer.headers.count("Access-Control-Allow-Origin") == 1);
    CHECK(answer.headers.value("Access-Control-Expose-Headers").starts_with("*, Content-Length"));
    CHECK(answer.headers.value("X-Request-Id").size() == 16);
    CHECK(answer.headers.value("Date").ends_with(" GMT"));
    CHECK(answer.headers.count("Content-Length") <= 1);
    if (answer.status >= 400) CHECK_FALSE(answer.headers.value("X-Reason").empty());
    CHECK(answer.headers.value("X-Reason").size() <= 200);
}

}  // namespace espalier::http
