// What an Exchange makes of bytes and ends, without a network.
#include "engine/exchange.h"

#include <doctest/doctest.h>

#include "engine/easy.h"
#include "engine/inbox.h"

using namespace espalier;
using base::Error;
using base::ErrorKind;
using engine::Exchange;
using engine::TransferRequest;

namespace {

std::shared_ptr<Exchange> exchange(TransferRequest request) {
    request.url = engine::Url::parse("http://blobs.example/").value();
    return std::make_shared<Exchange>(std::move(request), nullptr,
                                      std::make_shared<engine::Inbox>());
}

std::shared_ptr<Exchange> upload(std::uint64_t bytes) {
    TransferRequest request;
    request.method = "PUT";
    request.upload = std::make_shared<engine::Pipe>(100, nullptr);
    request.upload_bytes = bytes;
    return exchange(std::move(request));
}

Error reset() {
    return {.kind = ErrorKind::reset, .reason = "broken"};
}

}  // namespace

TEST_CASE("an answer left in a broken connection counts when it is whole") {
    const auto it = upload(10);
    it->salvage("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nbig!");
    CHECK(it->complete());
    CHECK_FALSE(it->verdict(reset()));
    CHECK(it->state().response.status == 413);
    CHECK(it->state().response.body == "big!");
}

TEST_CASE("a refusal left in a broken connection counts even when its text is cut") {
    const auto it = upload(10);
    SUBCASE("with a length") {
        it->salvage("HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\nno");
    }
    SUBCASE("without one") {
        it->salvage("HTTP/1.1 403 Forbidden\r\n\r\nno");
    }
    CHECK_FALSE(it->complete());
    CHECK_FALSE(it->verdict(reset()));
    CHECK(it->state().response.body == "no");
    CHECK(it->state().response_complete);
}

TEST_CASE("what is cut before the end of its head, or is no refusal, does not count") {
    const auto it = upload(10);
    SUBCASE("a head") {
        it->salvage("HTTP/1.1 413 Content Too Large\r\nContent-Le");
    }
    SUBCASE("a success") {
        it->salvage("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nyes");
    }
    SUBCASE("an interim answer") {
        it->salvage("HTTP/1.1 100 Continue\r\n\r\n");
    }
    SUBCASE("nothing") {
        it->salvage("");
    }
    REQUIRE(it->verdict(reset()));
    CHECK(it->verdict(reset())->kind == ErrorKind::reset);
}

TEST_CASE("an exchange that nobody started to answer reports what the network said") {
    const auto it = exchange({});
    it->finish(it->verdict(reset()));
    CHECK(it->state().over);
    CHECK(it->state().error->kind == ErrorKind::reset);
    CHECK(it->decided());
}

TEST_CASE("the first end stands") {
    const auto it = exchange({});
    it->finish(reset());
    it->finish(std::nullopt);
    CHECK(it->state().error);
}

TEST_CASE("only the upload's length is given, and a failed pipe gives nothing") {
    const auto it = upload(4);
    std::array<std::byte, 10> out{};
    CHECK(it->give_body(out).step == Exchange::Step::pause);
    it->request().upload->write("abcdef");
    CHECK(it->lift_pauses());
    CHECK(it->give_body(std::span(out).first(2)).bytes == 2);
    it->request().upload->fail();
    CHECK(it->give_body(out).step == Exchange::Step::stop);
    CHECK(it->reason_to_cut()->kind == ErrorKind::cancelled);
}

TEST_CASE("a piece that did not fit is gone on with where it stopped") {
    TransferRequest request;
    auto pipe = std::make_shared<engine::Pipe>(4, nullptr);
    request.download = pipe;
    const auto it = exchange(std::move(request));
    for (const auto* line : {"HTTP/1.1 200 OK\r\n", "Content-Length: 6\r\n", "\r\n"})
        CHECK(it->take_head_line(line));
    const std::string_view piece = "abcdef";
    const auto bytes = std::as_bytes(std::span(piece));
    CHECK(it->take_body(bytes) == Exchange::Step::pause);
    CHECK_FALSE(it->lift_pauses());
    CHECK(pipe->read_slice(10).size() == 4);
    CHECK(it->lift_pauses());
    CHECK(it->take_body(bytes) == Exchange::Step::go_on);
    CHECK(it->complete());
    CHECK(pipe->read_slice(10).size() == 2);
    CHECK(pipe->end() == engine::Pipe::End::finished);
}

TEST_CASE("a private address is refused unless another one turns out to be reachable") {
    TransferRequest request;
    request.public_addresses_only = true;
    const auto it = exchange(std::move(request));
    CHECK_FALSE(it->allows_request("10.0.0.1"));
    CHECK(it->verdict(reset())->kind == ErrorKind::forbidden);
    CHECK(it->allows_request("93.184.216.34"));
    CHECK(it->verdict(reset())->kind == ErrorKind::reset);
}

TEST_CASE("an upstream on the internet cannot send us into our own network") {
    TransferRequest request;
    request.redirects_max = 3;
    request.verify_tls = false;
    const auto it = exchange(std::move(request));
    const auto redirect = [&](const std::string& target) {
        for (const auto& line : {std::string("HTTP/1.1 302 Found\r\n"),
                                 "Location: " + target + "\r\n", std::string("\r\n")})
            CHECK(it->take_head_line(line));
        CHECK(it->redirecting());
        REQUIRE(it->follow());
    };
    SUBCASE("a public one") {
        CHECK(it->allows_request("93.184.216.34"));
        redirect("http://10.0.0.5:9000/secret");
        CHECK_FALSE(it->allows_request("10.0.0.5"));
        const auto error = it->verdict(reset());
        CHECK(error->kind == ErrorKind::upstream);
        CHECK(error->reason.contains("blobs.example"));
        CHECK_FALSE(error->reason.contains("10.0.0.5"));
        CHECK(it->request().verify_tls);
    }
    SUBCASE("a private one may") {
        CHECK(it->allows_request("127.0.0.1"));
        redirect("http://10.0.0.5:9000/blob");
        CHECK(it->allows_request("10.0.0.5"));
    }
    SUBCASE("within its own host") {
        CHECK(it->allows_request("93.184.216.34"));
        redirect("/elsewhere");
        CHECK_FALSE(it->request().public_addresses_only);
        CHECK_FALSE(it->request().verify_tls);
    }
}

TEST_CASE("that we have no descriptor left is our own fault") {
    const auto it = exchange({});
    it->no_descriptor_left();
    const auto error = it->verdict(Error{.kind = ErrorKind::refused});
    CHECK(error->kind == ErrorKind::internal);
    CHECK(error->origin == base::Origin::internal);
}
