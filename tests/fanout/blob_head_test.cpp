// The many ways in which servers say yes and no to a HEAD, and HTTP's dates.
#include "fanout/blob_head.h"

#include <chrono>

#include <doctest/doctest.h>

#include "fanout/negative_cache.h"
#include "fleet/upstreams.h"

using namespace espalier;
using namespace espalier::test;
using fanout::http_date;
using fanout::parse_http_date;
using fanout::Presence;
using fanout::read_head;

namespace {

engine::TransferState answered(int status, base::Headers headers = {}) {
    engine::TransferState state;
    state.head_received = state.response_complete = true;
    state.response = {.status = status, .headers = std::move(headers), .body = {}};
    return state;
}

Presence presence(int status, int miss_status = 0) {
    return read_head(answered(status), miss_status).presence;
}

}  // namespace

TEST_CASE("a 2xx is a yes, 404 and 410 are a no, anything else is no answer") {
    for (const int status : {200, 204, 206}) CHECK(presence(status) == Presence::there);
    for (const int status : {404, 410}) CHECK(presence(status) == Presence::absent);
    for (const int status : {301, 400, 401, 403, 429, 500, 502, 503})
        CHECK(presence(status) == Presence::unknown);
}

TEST_CASE("the status that probes saw for a blob that nobody has is a no") {
    CHECK(presence(500, 500) == Presence::absent);
    CHECK(presence(403, 403) == Presence::absent);
    CHECK(presence(503, 500) == Presence::unknown);
}

TEST_CASE("who says yes to every blob is not believed, but its plain no is") {
    CHECK(presence(200, 200) == Presence::unknown);
    CHECK(presence(404, 200) == Presence::absent);
    const auto state = answered(200, {{"X-Reason", "File not found"}});
    CHECK(read_head(state, 200).presence == Presence::absent);
    const auto upstream = upstreams(1)[0];
    const auto outcome = head_outcome(upstream, answered(200), read_head(answered(200), 200));
    CHECK(outcome.kind == fleet::OutcomeKind::capability);
    CHECK_FALSE(outcome.reason.empty());
    CHECK(head_outcome(upstream, answered(500), read_head(answered(500), 500)).kind ==
          fleet::OutcomeKind::client_fault);
}

TEST_CASE("how a server says no is learnt from its answer about a blob that nobody has") {
    using fanout::learn_miss_status;
    struct Row {
        int known, status, learnt;
    };
    for (const auto& [known, status, learnt] :
         {Row{0, 404, 404}, Row{0, 410, 404}, Row{0, 200, 200}, Row{0, 500, 500}, Row{0, 400, 400},
          Row{500, 404, 404}, Row{200, 404, 404},
          // Who has said no plainly is broken when it says 500.
          Row{404, 500, 404}, Row{200, 500, 200}, Row{400, 501, 400},
          // These are about the asker, or a server that cannot be reached.
          Row{0, 401, 0}, Row{404, 401, 404}, Row{0, 403, 0}, Row{0, 429, 0}, Row{500, 502, 500},
          Row{404, 503, 404}}) {
        CAPTURE(known);
        CAPTURE(status);
        CHECK(learn_miss_status(known, answered(status)) == learnt);
    }
    CHECK(learn_miss_status(0, answered(200, {{"X-Reason", "File not found"}})) == 404);
    CHECK(learn_miss_status(404, engine::TransferState{}) == 404);
}

TEST_CASE("a 200 whose X-Reason says not found is a no") {
    for (const auto* const reason : {"File not found", "blob NOT FOUND"})
        CHECK(read_head(answered(200, {{"X-Reason", reason}}), 0).presence == Presence::absent);
    CHECK(read_head(answered(200, {{"X-Reason", "found"}}), 0).presence == Presence::there);
}

TEST_CASE("an exchange that broke is no answer") {
    engine::TransferState state;
    state.over = true;
    state.error = base::Error{.kind = base::ErrorKind::reset, .reason = {}};
    CHECK(read_head(state, 0).presence == Presence::unknown);
}

TEST_CASE("size, type and dates are read from a yes") {
    const auto answer = read_head(answered(200, {{"Content-Length", "12345"},
                                                 {"Content-Type", "Image/PNG"},
                                                 {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                                 {"Sunset", "Tue, 19 Jan 2038 03:14:07 GMT"}}),
                                  0);
    CHECK(answer.size == 12345);
    CHECK(answer.facts_of({}).type == "image/png");
    CHECK(answer.last_modified == 784'111'777);
    CHECK(answer.sunset == 2'147'483'647);
}

TEST_CASE("a length of 0 is believed of the empty blob only, that of an encoded body never") {
    const auto none = read_head(answered(200, {{"Content-Length", "0"}}), 0);
    CHECK(none.facts_of({}).size == std::nullopt);
    CHECK(none.facts_of(protocol::BlobHash(base::Sha256::of(""))).size == 0);
    const base::Headers encoded{{"Content-Length", "12345"}, {"Content-Encoding", "gzip"}};
    CHECK(read_head(answered(200, encoded), 0).size == std::nullopt);
    const base::Headers plain{{"Content-Length", "12345"}, {"Content-Encoding", "identity"}};
    CHECK(read_head(answered(200, plain), 0).size == 12345);
}

TEST_CASE("what a yes does not say, or says wrongly, is unknown") {
    const auto answer =
        read_head(answered(200, {{"Content-Length", "-3"}, {"Last-Modified", "yesterday"}}), 0);
    CHECK(answer.presence == Presence::there);
    CHECK(answer.size == std::nullopt);
    CHECK(answer.type.empty());
    CHECK(answer.last_modified == 0);
    CHECK(answer.sunset == 0);
}

TEST_CASE("HTTP's dates are read and written alike") {
    CHECK(http_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    for (const std::int64_t time : {0LL, 951'782'400LL, 1'750'000'000LL, 4'102'444'800LL})
        CHECK(parse_http_date(http_date(time)) == time);
    for (const auto* const wrong : {"", "now", "Sun, 06 Nov 1994 08:49:37", "1994-11-06T08:49:37Z",
                                    "Sun, 06 Nov 1994 08:49:37 GMT and more"})
        CHECK(parse_http_date(wrong) == std::nullopt);
}

TEST_CASE("the negative cache forgets in time, keeps its bound, and can be told to forget") {
    using base::Seconds;
    const auto name = [](int n) { return protocol::BlobHash(base::Sha256::of(std::to_string(n))); };
    fanout::NegativeCache cache(Seconds{10}, 4);
    auto now = base::Steady::now();
    cache.add(name(1), now);
    CHECK(cache.has(name(1), now));
    CHECK_FALSE(cache.has(name(2), now));
    CHECK(cache.has(name(1), now + base::Milliseconds{9'999}));
    CHECK_FALSE(cache.has(name(1), now + Seconds{10}));
    cache.remove(name(1));
    CHECK_FALSE(cache.has(name(1), now));
    for (int n = 0; n < 100; ++n) {
        cache.add(name(n), now);
        CHECK(cache.has(name(n), now));
        CHECK(cache.size() <= 4);
    }
    // The expired ones make room first.
    now += Seconds{9};
    cache.add(name(200), now);
    now += Seconds{2};
    for (int n = 201; n < 204; ++n) cache.add(name(n), now);
    for (int n = 200; n < 204; ++n) CHECK(cache.has(name(n), now));
    fanout::NegativeCache off(base::Milliseconds{0}, 4);
    off.add(name(1), now);
    CHECK(off.size() == 0);
}
