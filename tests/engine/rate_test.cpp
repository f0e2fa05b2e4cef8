// Exchanges that share a limit in bytes a second. How slow they are is checked, how fast is not.
#include <doctest/doctest.h>

#include "base/text.h"
#include "raw_server.h"

using namespace espalier;
using base::Milliseconds;
using base::Steady;
using engine::Pipe;
using engine::Rate;
using engine::Transfer;
using engine::TransferRequest;
using engine::TransferState;
using test::Client;
using test::Connection;
using test::RawServer;

namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kBody = 6144 * kKiB;
constexpr std::uint64_t kRate = 16 * 1024 * kKiB;
// What a limit of kRate makes of kBody bytes at least, the burst at the beginning aside.
constexpr Milliseconds kLeast{200};

RawServer::Script serve_both_ways() {
    return [](Connection& connection) {
        for (;;) {
            const auto head = connection.read_head();
            if (head.empty()) return;
            connection.read(test::content_length(head));
            const auto body = head.starts_with("GET") ? std::string(kBody, 'x') : std::string();
            if (!connection.send(base::text("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(),
                                            "\r\n\r\n", body)))
                return;
        }
    };
}

TransferRequest one_way(const RawServer& server, bool up, std::shared_ptr<Rate> rate) {
    TransferRequest request;
    request.url = server.url();
    if (rate) request.rates.push_back(std::move(rate));
    if (!up) {
        request.download = std::make_shared<Pipe>(2 * kBody, nullptr);
        return request;
    }
    request.method = "PUT";
    request.upload = std::make_shared<Pipe>(2 * kBody, nullptr);
    request.upload->write(std::string(kBody, 'x'));
    request.upload->finish();
    request.upload_bytes = kBody;
    return request;
}

// How long they take, begun together.
Steady::duration run(Client& client, std::vector<TransferRequest> requests) {
    const auto begun = Steady::now();
    std::vector<Transfer> transfers;
    transfers.reserve(requests.size());
    for (auto& request : requests) transfers.push_back(client.start(std::move(request)));
    for (const auto& transfer : transfers) {
        const auto state = test::wait_for(transfer, *client.bell,
                                          [](const TransferState& now) { return now.over; });
        CHECK((state.error ? state.error->reason : std::string()) == "");
        CHECK(state.response.status == 200);
    }
    return Steady::now() - begun;
}

}  // namespace

TEST_CASE("who shares a rate is no faster than it, each way by itself") {
    RawServer server(serve_both_ways());
    for (const bool up : {true, false}) {
        CAPTURE(up);
        Client client;
        const auto rate = std::make_shared<Rate>(kRate, kRate);
        CHECK(run(client, {one_way(server, up, rate)}) >= kLeast);
        CHECK(run(client, {one_way(server, up, rate), one_way(server, up, rate),
                           one_way(server, up, rate)}) >= 3 * kLeast);
        // The tighter of two counts.
        auto both = one_way(server, up, std::make_shared<Rate>(kRate * 100, kRate * 100));
        both.rates.push_back(rate);
        CHECK(run(client, {std::move(both)}) >= kLeast);
    }
}

TEST_CASE("a rate holds one way only, and never makes a stall of what it holds back") {
    RawServer server(serve_both_ways());
    Client client;
    const auto up_only = std::make_shared<Rate>(kRate / 8, 0);
    auto request = one_way(server, true, up_only);
    request.stall_timeout = Milliseconds{100};
    CHECK(run(client, {std::move(request)}) >= kLeast);
    CHECK_FALSE(test::wait_for(client.start(one_way(server, false, up_only)), *client.bell,
                               [](const TransferState& now) { return now.over; })
                    .error);
}
