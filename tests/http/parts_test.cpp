// The pure pieces: ranges, chunks, paces, trust, parameters.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/buffer.h"
#include "http/chunks.h"
#include "http/pace.h"
#include "http/range.h"
#include "http/trusted.h"

namespace espalier::http {
namespace {

using base::Milliseconds;

TEST_CASE("a buffer that was large keeps no large block when it is empty again") {
    Buffer buffer;
    buffer.assign(std::string(60'000, 'x'));
    buffer.consume(59'000);
    CHECK(buffer.view() == std::string(1'000, 'x'));
    buffer.consume(1'000);
    CHECK(buffer.empty());
    CHECK(buffer.capacity() <= Buffer::kKeptBytes);
}

TEST_CASE("one range is decided, everything else is the whole") {
    struct Row {
        const char* header;
        RangeKind kind;
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };
    const std::vector<Row> rows{
        {"bytes=0-0", RangeKind::part, 0, 0},
        {"bytes=2-5", RangeKind::part, 2, 5},
        {"BYTES=2-", RangeKind::part, 2, 9},
        {"bytes= 2-5 ", RangeKind::part, 2, 5},
        {"bytes=5-100", RangeKind::part, 5, 9},
        {"bytes=-3", RangeKind::part, 7, 9},
        {"bytes=-30", RangeKind::part, 0, 9},
        {"bytes=10-", RangeKind::unsatisfiable},
        {"bytes=10-12", RangeKind::unsatisfiable},
        {"bytes=-0", RangeKind::unsatisfiable},
        {"", RangeKind::whole},
        {"bytes=", RangeKind::whole},
        {"bytes=-", RangeKind::whole},
        {"bytes=5-2", RangeKind::whole},
        {"bytes=1-2,4-5", RangeKind::whole},
        {"bytes=a-b", RangeKind::whole},
        {"bytes=+1-2", RangeKind::whole},
        {"bytes=1--2", RangeKind::whole},
        {"lines=1-2", RangeKind::whole},
        {"bytes=99999999999999999999-", RangeKind::whole},
    };
    for (const auto& row : rows) {
        CAPTURE(row.header);
        const auto decision = decide_range(row.header, 10);
        CHECK(decision.kind == row.kind);
        CHECK(decision.range.first == row.first);
        CHECK(decision.range.last == row.last);
    }
    CHECK(decide_range("bytes=0-", 0).kind == RangeKind::unsatisfiable);
    CHECK(decide_range("bytes=" + std::string(8000, '0') + "-", 10).kind == RangeKind::whole);
    CHECK(content_range({.first = 2, .last = 5}, 10) == "bytes 2-5/10");
}

TEST_CASE("If-None-Match is a list, weak forms and the asterisk included") {
    CHECK(etag_matches("\"a\"", "\"a\""));
    CHECK(etag_matches("\"b\" , W/\"a\"", "\"a\""));
    CHECK(etag_matches(" * ", "\"a\""));
    CHECK_FALSE(etag_matches("", "\"a\""));
    CHECK_FALSE(etag_matches("a", "\"a\""));
    CHECK_FALSE(etag_matches("\"ab\"", "\"a\""));
}

// Feeds `framed` in pieces of `step` bytes; the data, or "broken" or "more".
std::string unchunk(std::string_view framed, std::size_t step) {
    Chunks chunks;
    std::string data;
    while (!framed.empty()) {
        auto piece = framed.substr(0, step);
        framed.remove_prefix(piece.size());
        while (!piece.empty() && !chunks.ended() && !chunks.broken()) {
            piece.remove_prefix(chunks.eat(piece));
            const auto count = std::min<std::uint64_t>(chunks.data_left(), piece.size());
            data.append(piece.substr(0, count));
            if (count > 0) chunks.took(count);
            piece.remove_prefix(count);
        }
        if (chunks.broken()) return "broken";
    }
    return chunks.ended() ? data : "more";
}

TEST_CASE("chunks are read the same however they are cut") {
    for (const std::size_t step : {1UL, 2UL, 3UL, 5UL, 1000UL}) {
        CHECK(unchunk("3\r\nabc\r\nA;x=\"y z\"\r\n0123456789\r\n0\r\nT: v\r\n\r\n", step) ==
              "abc0123456789");
        CHECK(unchunk("0\r\n\r\n", step).empty());
        CHECK(unchunk("003\r\nabc\r\n0\r\n\r", step) == "more");
        for (const auto* bad : {"\r\n", ";\r\n", "3 \r\n", "x", "-1\r\n", "3\rx", "1\r\naX",
                                "0\r\n\rx", "0\r\n folded\r\n", "3;a\nb\r\n", "1234567890123456"}) {
            CAPTURE(bad);
            CHECK(unchunk(bad, step) == "broken");
        }
        CHECK(unchunk("1;" + std::string(5000, 'x') + "\r\na\r\n", step) == "broken");
        CHECK(unchunk("0\r\nA: " + std::string(5000, 'x') + "\r\n\r\n", step) == "broken");
    }
}

TEST_CASE("a pace blames only a client that was waited for and moved too little") {
    Pace pace(100, Milliseconds{1000});
    CHECK(pace.waited(Milliseconds{999}));
    pace.moved(101);
    CHECK(pace.waited(Milliseconds{1}));  // 101 bytes in the second: enough
    pace.moved(99);
    CHECK_FALSE(pace.waited(Milliseconds{1000}));
    Pace any(0, Milliseconds{1});
    CHECK(any.waited(Milliseconds{100'000}));
    CHECK(any.patience({}).is_never());
    CHECK(Pace(1, Milliseconds{7}).patience({}) ==
          base::Deadline::at(base::Steady::time_point{} + Milliseconds{7}));
}

Trusted trust(const std::vector<std::string>& entries) {
    auto trusted = Trusted::parse(entries);
    REQUIRE(trusted);
    return *trusted;
}

TEST_CASE("trusted proxies are addresses and blocks of both families") {
    const auto trusted = trust({"10.0.0.0/8", "192.168.1.7", "2001:db8::/33", "::1"});
    for (const auto* in :
         {"10.255.0.1", "192.168.1.7", "::1", "2001:db8:7fff::1", "::ffff:10.1.2.3"}) {
        CHECK(trusted.includes(in));
    }
    for (const auto* out : {"11.0.0.1", "192.168.1.8", "::2", "2001:db8:8000::1", "", "nonsense"}) {
        CHECK_FALSE(trusted.includes(out));
    }
    CHECK(trust({"0.0.0.0/0"}).includes("8.8.8.8"));
    CHECK_FALSE(trust({"0.0.0.0/0"}).includes("::2"));
    CHECK_FALSE(trust({}).includes("::1"));
    for (const auto* bad : {"10.0.0.0/33", "::/129", "host", "10.0.0.0/", "10.0.0.0/-1"}) {
        CHECK_FALSE(Trusted::parse({bad}));
    }
}

TEST_CASE("the client is the last address that no trusted proxy has") {
    const auto trusted = trust({"10.0.0.0/8"});
    const auto client = [&](const std::vector<std::string_view>& lines) {
        Head head;
        for (const auto line : lines) head.headers.emplace_back("x-forwarded-for", line);
        return trusted.client_of(head, "10.0.0.1");
    };
    CHECK(client({}) == "10.0.0.1");
    CHECK(client({"1.1.1.1"}) == "1.1.1.1");
    CHECK(client({"6.6.6.6, 1.1.1.1, 10.0.0.2"}) == "1.1.1.1");
    CHECK(client({"6.6.6.6", "1.1.1.1,10.0.0.2"}) == "1.1.1.1");
    CHECK(client({"10.0.0.3, 10.0.0.2"}) == "10.0.0.3");
    CHECK(client({"6.6.6.6, junk, 10.0.0.2"}) == "10.0.0.2");
}

class NoBody final : public Body {
public:
    Read read(std::span<std::byte>, base::Bell*, base::Deadline) override {
        return {.status = Status::end};
    }
    std::optional<std::uint64_t> declared_bytes() const override { return 0; }
};

TEST_CASE("query parameters are decoded, and malformed ones are none") {
    Head head;
    head.query = "a=1&b=%2Fx+y&c&a=2&d=%zz&e=%4&%66=g&h=i=j";
    NoBody body;
    const Request request{.head = head, .body = body, .peer = {}, .id = {}, .host = {}};
    CHECK(request.parameter("a") == "1");
    CHECK(request.parameter("b") == "/x y");
    CHECK(request.parameter("c") == "");
    CHECK_FALSE(request.parameter("d"));
    CHECK_FALSE(request.parameter("e"));
    CHECK(request.parameter("f") == "g");
    CHECK(request.parameter("h") == "i=j");
    CHECK_FALSE(request.parameter("z"));
}

}  // namespace
}  // namespace espalier::http
