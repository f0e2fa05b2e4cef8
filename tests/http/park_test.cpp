// Replies that come piece by piece and hold no worker.
#include <deque>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "http/fixture.h"

namespace espalier::http {
namespace {

// A source that tests feed.
class Feeder final : public Source {
public:
    Piece next() override {
        return state_.with([](State& state) {
            if (state.pieces.empty()) return Piece{.bytes = {}, .end = state.ended};
            Piece piece{.bytes = state.pieces.front(), .end = false};
            state.pieces.pop_front();
            piece.end = state.ended && state.pieces.empty();
            return piece;
        });
    }
    void ring_on_change(std::shared_ptr<base::Bell> bell) override {
        state_.with([&](State& state) { state.bell = std::move(bell); });
    }
    base::Deadline wake_at() const override { return wake; }

    void feed(std::string piece) {
        ring([&](State& state) { state.pieces.push_back(std::move(piece)); });
    }
    void end() {
        ring([](State& state) { state.ended = true; });
    }

    base::Deadline wake = base::Deadline::never();

private:
    struct State {
        std::deque<std::string> pieces;
        bool ended = false;
        std::shared_ptr<base::Bell> bell;
    };
    template <class Change>
    void ring(Change change) {
        const auto bell = state_.with([&](State& state) {
            change(state);
            return state.bell;
        });
        if (bell) bell->ring();
    }
    base::Guarded<State> state_;
};

struct Parking : Fixture {
    explicit Parking(const Server::Options& options = {}) : Fixture(options) {
        handlers.on_request = [this](Request& request) {
            if (request.head.path == "/work") return Reply(200);
            Reply reply = Reply::park(200, feeder);
            reply.header("Content-Type", "text/event-stream");
            return reply;
        };
    }
    std::shared_ptr<Feeder> feeder = std::make_shared<Feeder>();
};

TEST_CASE("a parked reply sends pieces as they come and keeps the connection at its end") {
    Parking fixture;
    auto client = fixture.connect();
    fixture.feeder->feed("data: 1\n\n");
    client.send(get("/events"));
    fixture.until([](const auto& now) { return now.parked == 1 && now.workers_busy == 0; });
    fixture.feeder->feed("data: 2\n\n");
    fixture.feeder->end();
    const auto answer = client.read();
    check_common(answer);
    CHECK(answer.headers.value("Content-Type") == "text/event-stream");
    CHECK(answer.body == "data: 1\n\ndata: 2\n\n");
    CHECK(client.ask(get("/now")).status == 307);
    fixture.until([](const auto& now) { return now.parked == 0; });
    fixture.handlers.seen.with([&](const auto& seen) {
        REQUIRE(seen.size() == 2);
        CHECK(seen[0].request_id == answer.headers.value("X-Request-Id"));
        CHECK(seen[0].client == "127.0.0.1");
        CHECK(seen[0].body_bytes == 18);
    });
}

TEST_CASE("pieces arrive before the end") {
    Parking fixture;
    auto client = fixture.connect();
    client.send(get("/events"));
    fixture.feeder->feed("first");
    std::string got;
    while (got.find("first") == std::string::npos) got += client.read_raw(1);
    fixture.feeder->feed("second");
    while (got.find("second") == std::string::npos) got += client.read_raw(1);
    CHECK(got.ends_with("5\r\nfirst\r\n6\r\nsecond\r\n"));
}

TEST_CASE("a request sent while the last one is parked is answered after it") {
    Parking fixture;
    auto client = fixture.connect();
    client.send(get("/events") + get("/now"));
    fixture.until([](const auto& now) { return now.parked == 1; });
    client.send(get("/work"));
    fixture.feeder->end();
    CHECK(client.read().body.empty());
    CHECK(client.read().status == 307);
    CHECK(client.read().status == 200);
}

TEST_CASE("a parked client that has gone is noticed without a new piece") {
    Parking fixture;
    auto client = fixture.connect();
    client.send(get("/events"));
    fixture.until([](const auto& now) { return now.parked == 1; });
    client.hang_up();
    fixture.until([](const auto& now) { return now.parked == 0 && now.connections == 0; });
}

TEST_CASE("a source is asked again at the time it names, though nobody rings") {
    Parking fixture;
    fixture.feeder->wake = base::Deadline::after(base::Milliseconds{30});
    auto client = fixture.connect();
    client.send(get("/events"));
    fixture.until([](const auto& now) { return now.parked == 1; });
    // Ends without a ring: the test's own source would ring, so it is told by its clock.
    struct Clockwork final : Source {
        base::Deadline end = base::Deadline::after(base::Milliseconds{20});
        Piece next() override {
            const bool over = end.passed();
            return {.bytes = over ? "late" : "", .end = over};
        }
        void ring_on_change(std::shared_ptr<base::Bell>) override {}
        base::Deadline wake_at() const override { return end; }
    };
    fixture.handlers.on_request = [](Request&) {
        return Reply::park(200, std::make_shared<Clockwork>());
    };
    CHECK(fixture.ask(get("/clock")).body == "late");
}

TEST_CASE("many pieces for a client that reads slowly all arrive") {
    Parking fixture;
    Client client(fixture.port, 4096);
    client.send(get("/events"));
    std::string all;
    for (int i = 0; i < 200; ++i) {
        fixture.feeder->feed(std::string(50'000, static_cast<char>('a' + i % 26)));
        all += std::string(50'000, static_cast<char>('a' + i % 26));
    }
    fixture.feeder->end();
    CHECK((client.read().body == all));
}

TEST_CASE("on HTTP/1.0 a parked reply lasts until the close") {
    Parking fixture;
    fixture.feeder->feed("abc");
    fixture.feeder->end();
    auto client = fixture.connect();
    const auto answer = client.ask("GET /events HTTP/1.0\r\n\r\n");
    CHECK(answer.body == "abc");
    CHECK_FALSE(answer.headers.has("Transfer-Encoding"));
}

TEST_CASE("HEAD of a parked reply is only its head") {
    Parking fixture;
    auto client = fixture.connect();
    CHECK(client.ask("HEAD /events HTTP/1.1\r\nHost: h\r\n\r\n", true).status == 200);
    CHECK(client.ask(get("/now")).status == 307);
    CHECK(fixture.server.snapshot().parked == 0);
}

TEST_CASE("a source that throws cuts its client and nobody else") {
    struct Thrower final : Source {
        Piece next() override { throw std::runtime_error("secret"); }
        void ring_on_change(std::shared_ptr<base::Bell>) override {}
    };
    Parking fixture;
    fixture.handlers.on_request = [](Request&) {
        return Reply::park(200, std::make_shared<Thrower>());
    };
    CHECK(fixture.ask(get("/events")).status == 0);
    CHECK(fixture.ask(get("/now")).status == 307);
}

TEST_CASE("hundreds of parked clients hold no worker") {
    Parking fixture;
    std::vector<Client> clients;
    for (int i = 0; i < 300; ++i) {
        clients.push_back(fixture.connect());
        clients.back().send(get("/events"));
    }
    fixture.until([](const auto& now) { return now.parked == 300 && now.workers_busy == 0; });
    fixture.server.stop(base::Deadline::never());
    for (auto& client : clients) CHECK(client.read().status == 0);
}

}  // namespace
}  // namespace espalier::http
