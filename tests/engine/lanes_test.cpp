// At most so many exchanges at once with a host; the others wait.
#include "engine/lanes.h"

#include <atomic>
#include <latch>

#include <doctest/doctest.h>

#include "base/text.h"
#include "engine/dark_names.h"
#include "raw_server.h"

using namespace espalier;
using base::ErrorKind;
using engine::DarkNames;
using engine::Pipe;
using engine::TransferRequest;
using test::Client;
using test::Connection;
using test::ok;
using test::RawServer;

namespace {

// Answers once it is told to.
struct Gate {
    Gate()
        : server([this](Connection& connection) {
              while (!connection.read_head().empty()) {
                  ++asked;
                  open.wait(false);
                  connection.send(ok("done"));
              }
          }) {}
    ~Gate() { let_through(); }
    void let_through() {
        open = true;
        open.notify_all();
    }
    TransferRequest request(std::size_t at_once_max) const {
        TransferRequest request;
        request.url = server.url();
        request.at_once_max = at_once_max;
        return request;
    }

    std::atomic<int> asked{0};
    std::atomic<bool> open{false};
    Client client;
    RawServer server;
};

void until(const std::function<bool()>& holds) {
    for (int i = 0; i < 30'000 && !holds(); ++i)
        base::Bell().wait(base::Deadline::after(base::Milliseconds(1)));
    CHECK(holds());
}

}  // namespace

TEST_CASE("beyond the most that a host is asked at once, exchanges wait for their turn") {
    Gate gate;
    std::vector<engine::Transfer> all;
    for (int i = 0; i < 5; ++i) all.push_back(gate.client.start(gate.request(2)));
    until([&] { return gate.asked == 2 && gate.client.engine.snapshot().waiting == 3; });
    CHECK(gate.client.engine.snapshot().started == 2);
    gate.let_through();
    for (const auto& one : all) CHECK(gate.client.over(one).response.body == "done");
    CHECK(gate.asked == 5);
    CHECK(gate.client.engine.snapshot().waiting == 0);
}

TEST_CASE("an upload does not take a small question's turn") {
    Gate gate;
    auto put = gate.request(1);
    put.method = "PUT";
    put.upload = std::make_shared<Pipe>(10, gate.client.bell);
    put.upload_bytes = 5;
    const auto upload = gate.client.start(std::move(put));
    until([&] { return gate.asked == 1; });
    const auto question = gate.client.start(gate.request(1));
    until([&] { return gate.asked == 2; });
    CHECK(gate.client.engine.snapshot().waiting == 0);
}

TEST_CASE("the deadline of one that waits runs, and it can be cancelled") {
    Gate gate;
    const auto first = gate.client.start(gate.request(1));
    until([&] { return gate.asked == 1; });
    auto hurried = gate.request(1);
    hurried.deadline = base::Deadline::after(base::Milliseconds(30));
    const auto state = gate.client.run(std::move(hurried));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::throttled);
    CHECK(gate.client.engine.snapshot().turned_away == 1);
    auto unwanted = gate.client.start(gate.request(1));
    until([&] { return gate.client.engine.snapshot().waiting == 1; });
    unwanted.cancel();
    CHECK(gate.client.over(unwanted).error->kind == ErrorKind::cancelled);
    gate.let_through();
    CHECK(gate.client.over(first).response.body == "done");
    CHECK(gate.client.run(gate.request(1)).response.body == "done");
    CHECK(gate.asked == 2);
}

TEST_CASE("when too many wait for their turn already, more are turned away at once") {
    Gate gate;
    std::vector<engine::Transfer> all;
    for (std::size_t i = 0; i < engine::Lanes::kWaitingMax + 1; ++i)
        all.push_back(gate.client.start(gate.request(1)));
    until([&] { return gate.client.engine.snapshot().waiting == engine::Lanes::kWaitingMax; });
    CHECK(gate.client.run(gate.request(1)).error->kind == ErrorKind::throttled);
    all[5].cancel();  // which makes room for another one
    CHECK(gate.client.over(all[5]).error->kind == ErrorKind::cancelled);
    all.push_back(gate.client.start(gate.request(1)));
    gate.let_through();
    CHECK(gate.client.over(all.back()).response.body == "done");
}

TEST_CASE("those that wait end with the engine") {
    Gate gate;
    const auto first = gate.client.start(gate.request(1));
    until([&] { return gate.asked == 1; });
    const auto waiting = gate.client.start(gate.request(1));
    gate.client.engine.shut_down();
    CHECK(gate.client.over(waiting).error->kind == ErrorKind::shutting_down);
}

TEST_CASE("a name that could not be resolved is asked for by one at a time") {
    DarkNames names;
    const int one = 1;
    const int two = 2;
    CHECK(names.may_ask("a.example", &one));
    CHECK(names.may_ask("a.example", &two));
    names.left("a.example", &one, false);  // cancelled: says nothing of the name
    CHECK(names.may_ask("a.example", &two));
    names.left("a.example", &one, true);
    CHECK(names.may_ask("a.example", &two));
    CHECK_FALSE(names.may_ask("a.example", &one));
    CHECK(names.may_ask("b.example", &one));
    names.left("a.example", &two, true);
    CHECK(names.may_ask("a.example", &one));
    names.resolved("a.example");
    CHECK(names.may_ask("a.example", &two));
    CHECK(names.may_ask("a.example", &one));
}
