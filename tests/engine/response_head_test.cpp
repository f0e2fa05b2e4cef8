#include "engine/response_head.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace espalier;
using engine::ResponseHead;
using Progress = engine::ResponseHead::Progress;

namespace {

// What the last line led to; stops at the first that is not `more`.
Progress feed(ResponseHead& head, const std::vector<std::string>& lines, std::size_t max = 1000) {
    for (const auto& line : lines) {
        const auto progress = head.feed(line + "\r\n", max);
        if (progress != Progress::more) return progress;
    }
    return Progress::more;
}

}  // namespace

TEST_CASE("a head is done at its empty line") {
    ResponseHead head;
    CHECK_FALSE(head.started());
    CHECK(feed(head, {"HTTP/1.1 200 OK", "A: b", "C:  d  "}) == Progress::more);
    CHECK(head.started());
    CHECK_FALSE(head.done());
    CHECK(feed(head, {""}) == Progress::done);
    CHECK(head.status() == 200);
    CHECK(head.headers().value("c") == "d");
}

TEST_CASE("interim heads leave nothing behind, and trailers add nothing") {
    ResponseHead head;
    CHECK(feed(head, {"HTTP/1.1 100 Continue", "A: b", "", "HTTP/2 404", "C: d", ""}) ==
          Progress::done);
    CHECK(head.status() == 404);
    CHECK_FALSE(head.headers().has("A"));
    CHECK(feed(head, {"Trailer: x", ""}) == Progress::more);
    CHECK_FALSE(head.headers().has("Trailer"));
}

TEST_CASE("a head that is too long is not waited for") {
    ResponseHead head;
    CHECK(feed(head, {"HTTP/1.1 200 OK", "A: " + std::string(90, 'x')}, 100) == Progress::too_long);
}

TEST_CASE("malformed heads are bad") {
    for (const std::vector<std::string>& lines : {std::vector<std::string>{"HTTP/1.1", ""},
                                                  {"HTTP/1.1 20x", ""},
                                                  {"HTTP/1.1 099 x", ""},
                                                  {"A: b", ""},
                                                  {"HTTP/1.1 200 OK", "A: b", " folded"}}) {
        ResponseHead head;
        CHECK(feed(head, lines) == Progress::bad);
    }
}

TEST_CASE("a body's length follows from the head, or is not known") {
    const auto length = [](const std::vector<std::string>& lines, bool answers_head = false) {
        ResponseHead head;
        REQUIRE(feed(head, lines) == Progress::done);
        return head.body_bytes(answers_head);
    };
    CHECK(length({"HTTP/1.1 200 OK", "Content-Length: 12", ""}) == 12);
    CHECK(length({"HTTP/1.1 200 OK", "Content-Length: 12", ""}, true) == 0);
    CHECK(length({"HTTP/1.1 204 None", ""}) == 0);
    CHECK(length({"HTTP/1.1 304 Same", "Content-Length: 12", ""}) == 0);
    CHECK_FALSE(length({"HTTP/1.1 200 OK", ""}));
    CHECK_FALSE(length({"HTTP/1.1 200 OK", "Content-Length: 1x", ""}));
    CHECK_FALSE(
        length({"HTTP/1.1 200 OK", "Content-Length: 12", "Transfer-Encoding: chunked", ""}));
}
