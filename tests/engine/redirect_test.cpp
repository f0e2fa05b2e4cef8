// Redirects, and what keeps a request off our own network.
#include <doctest/doctest.h>

#include "base/text.h"
#include "raw_server.h"

using namespace espalier;
using base::ErrorKind;
using engine::TransferRequest;
using test::always;
using test::Client;
using test::Connection;
using test::ok;
using test::RawServer;

namespace {

std::string redirect(std::string_view to) {
    return base::text("HTTP/1.1 302 Found\r\nLocation: ", to, "\r\nContent-Length: 4\r\n\r\naway");
}

TransferRequest get(const engine::Url& url, int redirects_max = 0) {
    TransferRequest request;
    request.url = url;
    request.redirects_max = redirects_max;
    return request;
}

// Redirects /1 to /2 and so on; the head of the last request is the answer beyond /9.
void count_up(Connection& connection) {
    for (;;) {
        const auto head = connection.read_head();
        if (head.empty()) return;
        const char at = head.size() > 5 ? head[5] : '9';
        connection.send(at == '9' ? ok(head)
                                  : redirect(base::text('/', static_cast<char>(at + 1))));
    }
}

}  // namespace

TEST_CASE("a redirect is an answer like any other unless following is asked for") {
    RawServer server(count_up);
    Client client;
    const auto state = client.run(get(server.url("/8")));
    CHECK(state.response.status == 302);
    CHECK(state.response.headers.value("Location") == "/9");
    CHECK(state.response.body == "away");
}

TEST_CASE("redirects are followed over the same connection, as often as allowed") {
    RawServer server(count_up);
    Client client;
    CHECK(client.run(get(server.url("/7"), 2)).response.status == 200);
    const auto state = client.run(get(server.url("/6"), 2));
    REQUIRE(state.error);
    CHECK(state.error->kind == ErrorKind::upstream);
    CHECK(state.error->reason.contains("2 times"));
    CHECK(server.connections() <= 2);  // the surplus answer's connection is dropped
}

TEST_CASE("credentials do not follow to another host, other headers do") {
    RawServer other(count_up);
    RawServer server(always(redirect(other.url("/9").text())));
    Client client;
    auto request = get(server.url(), 1);
    request.headers.add("Authorization", "Nostr secret");
    request.headers.add("Cookie", "secret");
    request.headers.add("Range", "bytes=5-");
    const auto state = client.run(std::move(request));
    CHECK_FALSE(state.error);
    CHECK_FALSE(state.response.body.contains("secret"));
    CHECK(test::has_line(state.response.body, "Range: bytes=5-"));
    CHECK(test::has_line(state.response.body, "Host: " + other.address()));
}

TEST_CASE("credentials stay with redirects inside the host") {
    RawServer server(count_up);
    Client client;
    auto request = get(server.url("/8"), 1);
    request.headers.add("Authorization", "Nostr token");
    CHECK(
        test::has_line(client.run(std::move(request)).response.body, "Authorization: Nostr token"));
}

TEST_CASE("only GET and HEAD are redirected") {
    RawServer server(count_up);
    Client client;
    auto put = get(server.url("/8"), 3);
    put.method = "PUT";
    CHECK(client.run(std::move(put)).response.status == 302);
}

TEST_CASE("a redirect to what is not a URL of ours is the upstream's fault") {
    for (const auto* target : {"ftp://example.com/", "http://user@example.com/", "http://"}) {
        RawServer server(always(redirect(target)));
        Client client;
        const auto state = client.run(get(server.url(), 3));
        REQUIRE(state.error);
        CHECK(state.error->kind == ErrorKind::upstream);
    }
}

TEST_CASE("a private address is refused before it is connected to") {
    RawServer server(always(ok("")));
    Client client;
    for (const auto* host :
         {"127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"}) {
        const auto url = engine::Url::parse(base::text("http://", host, ':', server.port(), "/"));
        auto request = get(url.value());
        request.public_addresses_only = true;
        const auto state = client.run(std::move(request));
        REQUIRE(state.error);
        CHECK(state.error->kind == ErrorKind::forbidden);
        CHECK_FALSE(state.error->retryable);
    }
    CHECK(server.connections() == 0);
}

TEST_CASE("a private address is refused on a warm connection, too") {
    std::atomic<int> requests{0};
    RawServer server([&](Connection& connection) {
        while (!connection.read_head().empty()) {
            ++requests;
            connection.send(ok(""));
        }
    });
    Client client;
    CHECK_FALSE(client.run(get(server.url())).error);
    auto request = get(server.url());
    request.public_addresses_only = true;
    CHECK(client.run(std::move(request)).error->kind == ErrorKind::forbidden);
    CHECK(requests == 1);
    CHECK_FALSE(client.run(get(server.url())).error);
}
