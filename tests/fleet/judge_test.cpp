// What a client is told of a write to many upstreams, row by row (sheet A.15).
#include "fleet/judge.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "upstreams.h"

using namespace espalier;
using namespace espalier::test;
using fleet::Decision;
using fleet::judge;
using fleet::Outcome;

namespace {

struct Row {
    std::string says;
    std::vector<Outcome> outcomes;
    int quorum;
    int status;
};

void check(const std::vector<Row>& rows, Decision decision) {
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto verdict = judge(row.outcomes, row.quorum);
        CHECK(verdict.decision == decision);
        CHECK(verdict.status == row.status);
        CHECK(verdict.reason.empty() == (decision != Decision::impossible));
    }
}

}  // namespace

TEST_CASE("a quorum of acknowledgements is a success, whatever the others say") {
    check({{"all new", {ok(201), ok(201)}, 2, 201},
           {"all known", {ok(200), ok(200)}, 2, 200},
           {"one of them new", {ok(200), ok(201)}, 2, 201},
           {"202 is new as well", {ok(200), ok(202)}, 2, 201},
           {"204 is not new", {ok(200), ok(204)}, 2, 200},
           {"others refuse", {ok(200), client(413), ok(200)}, 2, 200},
           {"others fail", {timeout(), ok(201), refused()}, 1, 201},
           {"others are still pending", {pending(), ok(201), pending()}, 1, 201},
           {"others are out of scope", {out_of_scope(), ok(201)}, 1, 201}},
          Decision::met);
}

TEST_CASE("without a server that is required nothing is a success") {
    const auto at = [](fleet::UpstreamId id, Outcome outcome) {
        outcome.upstream = id;
        return outcome;
    };
    fleet::UpstreamSet required;
    required.add(2);
    const auto judged = [&](Outcome second, Outcome third, int quorum = 2) {
        return judge(std::vector{at(0, ok()), at(1, std::move(second)), at(2, std::move(third))},
                     quorum, required);
    };
    CHECK(judged(ok(), ok()).status == 201);
    CHECK(judged(fault(500), ok()).decision == Decision::met);
    CHECK(judged(ok(), pending()).decision == Decision::open);
    CHECK(judged(pending(), ok(), 1).decision == Decision::met);
    const auto refused = judged(ok(), client(413), 1);
    CHECK(refused.decision == Decision::impossible);
    CHECK(refused.status == 413);
    CHECK(refused.reason.find("must have every blob") != std::string::npos);
    CHECK(judged(ok(), timeout()).status == 504);
    CHECK(judged(pending(), fault(500)).decision == Decision::impossible);
    // Who was never asked, as with PUT /media, is not needed.
    CHECK(judge(std::vector{at(0, ok())}, 1, required).decision == Decision::met);
}

TEST_CASE("a verdict stays open as long as the pending ones can still make the quorum") {
    for (const auto& outcomes : {std::vector{pending(), pending()}, std::vector{ok(), pending()},
                                 std::vector{ok(), client(403), pending()},
                                 std::vector{fault(500), pending(), pending()}}) {
        const auto verdict = judge(outcomes, 2);
        CHECK(verdict.decision == Decision::open);
        CHECK(verdict.status == 0);
    }
    const auto verdict = judge(std::vector{ok(), pending(), pending(), client(403)}, 2);
    CHECK(verdict.acknowledged == 1);
    CHECK(verdict.pending == 2);
}

TEST_CASE("a quorum out of reach is known before the last answer") {
    const std::vector outcomes{client(413), client(413), pending()};
    const auto verdict = judge(outcomes, 2);
    CHECK(verdict.decision == Decision::impossible);
    CHECK(verdict.status == 413);
    CHECK(verdict.pending == 1);
}

TEST_CASE("one acknowledgement below the quorum is not enough") {
    CHECK(judge(std::vector{ok(), ok(), client(403)}, 3).decision == Decision::impossible);
    CHECK(judge(std::vector{ok(), ok(), client(403)}, 2).decision == Decision::met);
}

TEST_CASE("upstreams out of the token's scope that the quorum lacks make it 401") {
    check({{"the one missing", {ok(), out_of_scope()}, 2, 401},
           {"both missing", {out_of_scope(), out_of_scope()}, 2, 401},
           {"before payment", {ok(), out_of_scope(), pay()}, 2, 401},
           {"before faults", {ok(), out_of_scope(), timeout()}, 2, 401},
           {"before refusals", {ok(), out_of_scope(), client(413)}, 2, 401}},
          Decision::impossible);
}

TEST_CASE("scope is not the reason when even those out of scope would not have sufficed") {
    check({{"two missing, one out of scope", {out_of_scope(), client(413), client(413)}, 2, 413},
           {"a fault as well", {out_of_scope(), timeout(), client(413)}, 3, 504}},
          Decision::impossible);
}

TEST_CASE("payments that would make the quorum make it 402") {
    check({{"the one missing", {ok(), pay()}, 2, 402},
           {"before a fault", {ok(), pay(), fault(500)}, 2, 402},
           {"before a refusal", {pay(), pay(), client(415)}, 2, 402},
           {"not enough of them", {pay(), client(415), client(415)}, 2, 415},
           {"not enough of them, and a fault", {pay(), fault(500), client(415)}, 2, 502}},
          Decision::impossible);
}

TEST_CASE("faults make it 504 when all are timeouts, 503 when nobody was reached, else 502") {
    check({{"all timeouts", {timeout(), timeout()}, 2, 504},
           {"timeouts beside acknowledgements", {ok(), timeout()}, 2, 504},
           {"timeouts beside refusals", {client(413), timeout()}, 2, 504},
           {"nobody reached", {refused(), refused()}, 2, 503},
           {"nobody reached but those who took it", {ok(), refused()}, 2, 503},
           {"paused counts as not reached", {paused(), refused()}, 2, 503},
           {"all paused", {paused(), paused()}, 2, 503},
           {"unreached beside a refusal", {refused(), client(413)}, 2, 502},
           {"unreached beside a throttle", {refused(), throttle()}, 2, 502},
           {"unreached beside a timeout", {refused(), timeout()}, 2, 502},
           {"a 500", {fault(500), fault(500)}, 2, 502},
           {"a 503 of theirs is an answer", {fault(503), fault(503)}, 2, 502},
           {"a wrong hash", {ok(), fault(201)}, 2, 502},
           {"a reset", {broke(fleet::Break::reset), timeout()}, 2, 502},
           {"no secure connection", {broke(fleet::Break::tls), broke(fleet::Break::tls)}, 2, 502},
           {"one fault outweighs all refusals",
            {client(413), client(413), client(413), fault(500)},
            1,
            502}},
          Decision::impossible);
}

TEST_CASE("when all throttle it is 429 and the longest Retry-After") {
    const auto verdict = judge(std::vector{throttle(7), throttle(), throttle(30), ok()}, 3);
    CHECK(verdict.status == 429);
    CHECK(verdict.retry_after == base::Seconds{30});
    CHECK(judge(std::vector{throttle(), throttle()}, 2).retry_after == std::nullopt);
}

TEST_CASE("one client code of all, else the most frequent one") {
    check({{"all one code", {client(415), client(415)}, 2, 415},
           {"one picky server", {client(400), client(413), client(413)}, 2, 413},
           {"a code of no rank", {client(422), client(422), client(413)}, 2, 422},
           {"throttles among refusals", {throttle(), throttle(), client(403)}, 2, 429},
           {"those without the endpoint have no vote", {absent(), absent(), client(403)}, 2, 403},
           {"left out by an accept rule",
            {left_out_by_rule(413), left_out_by_rule(413), client(415)},
            2,
            413},
           {"too old a token, left out", {ok(), left_out_by_rule(401)}, 2, 401}},
          Decision::impossible);
}

TEST_CASE("a tie between client codes goes 413, 415, 403, 401, 409, 400, then the rest") {
    const std::vector order{413, 415, 403, 401, 409, 400, 422, 429};
    for (std::size_t better = 0; better < order.size(); ++better)
        for (std::size_t worse = better + 1; worse < order.size(); ++worse) {
            if (order[better] == 422) continue;  // the unnamed ones are equals
            const auto one = client(order[better]);
            const auto other = order[worse] == 429 ? throttle() : client(order[worse]);
            CAPTURE(order[better]);
            CAPTURE(order[worse]);
            CHECK(judge(std::vector{one, other}, 2).status == order[better]);
            CHECK(judge(std::vector{other, one}, 2).status == order[better]);
        }
}

TEST_CASE("what we gave up ourselves is our 503, not the client's fault") {
    check({{"shutting down", {cancelled(), cancelled()}, 2, 503},
           {"a laggard that found no room", {ok(), cancelled()}, 2, 503}},
          Decision::impossible);
}

TEST_CASE("the reason counts the acknowledgements and quotes what decided, each once") {
    const auto saying = [](Outcome outcome, const char* reason) {
        outcome.reason = reason;
        return outcome;
    };
    const auto reason = [](const std::vector<Outcome>& outcomes, int quorum) {
        return judge(outcomes, quorum).reason;
    };
    CHECK(reason({ok(), saying(client(413), "at most 1 MiB"), client(415)}, 3) ==
          "only 1 of the 3 required servers accepted: at most 1 MiB");
    CHECK(reason({saying(client(413), "too large"), saying(client(415), "no cats"),
                  saying(client(415), "no cats")},
                 2) == "only 0 of the 2 required servers accepted: no cats");
    CHECK(reason({saying(left_out_by_rule(413), "read-only"),
                  saying(out_of_scope(), "no tag for a"), saying(out_of_scope(), "no tag for b")},
                 2) == "only 0 of the 2 required servers accepted: no tag for a; no tag for b");
    CHECK(reason({saying(pay(), "pay first"), saying(timeout(), "a is too slow")}, 2) ==
          "only 0 of the 2 required servers accepted: a is too slow");
    CHECK(reason({pending(), saying(client(403), "not you"), saying(client(403), "not you")}, 2) ==
          "only 1 of the 2 required servers can accept: not you");
}

TEST_CASE("what pending ones may still give is not missing") {
    CHECK(judge(std::vector{pending(), out_of_scope(), client(413)}, 2).status == 401);
    CHECK(judge(std::vector{pending(), out_of_scope(), client(413)}, 3).status == 413);
    CHECK(judge(std::vector{pending(), throttle(), throttle()}, 2).status == 429);
    CHECK(judge(std::vector{pending(), refused(), refused()}, 2).status == 503);
}

TEST_CASE("a delete is done when all copies are gone and at least one was there") {
    using fleet::judge_delete;
    for (const auto& outcomes :
         {std::vector{ok(200), ok(200)}, std::vector{ok(204), ok(200)},
          std::vector{client(404), ok(204)}, std::vector{client(404), client(404), ok(200)}}) {
        const auto verdict = judge_delete(outcomes, false);
        CHECK(verdict.decision == Decision::met);
        CHECK(verdict.status == 204);
    }
}

TEST_CASE("a delete that left copies behind is not told as done") {
    const std::vector<Row> rows{
        {"nobody had it", {client(404), client(404)}, 0, 404},
        {"one is down", {ok(200), refused()}, 0, 502},
        {"one was too slow", {ok(200), client(404), timeout()}, 0, 502},
        {"one refuses", {ok(200), client(403)}, 0, 502},
        {"one is out of scope", {ok(200), out_of_scope()}, 0, 502},
        {"one is paused", {ok(200), paused()}, 0, 502},
        {"one gave way to shutdown", {ok(200), cancelled()}, 0, 502},
        {"absent here, a fault there", {client(404), fault(500)}, 0, 502},
        {"absent here, silence there", {client(404), timeout()}, 0, 502},
        {"absent here, nobody to reach there", {client(404), refused()}, 0, 502},
        {"all say 401", {client(401), client(401)}, 0, 401},
        {"all say 403", {client(403), client(403)}, 0, 403},
        {"who has it refuses", {client(404), client(404), client(403)}, 0, 403},
        {"all are out of scope", {out_of_scope(), out_of_scope()}, 0, 401},
        {"all are silent", {timeout(), timeout()}, 0, 504},
        {"nobody can be reached", {refused(), paused()}, 0, 503},
        {"all throttle", {throttle(5), throttle(9)}, 0, 429},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto verdict = fleet::judge_delete(row.outcomes, false);
        CHECK(verdict.decision == Decision::impossible);
        CHECK(verdict.status == row.status);
        CHECK_FALSE(verdict.reason.empty());
    }
    CHECK(fleet::judge_delete(rows.back().outcomes, false).retry_after == base::Seconds{9});
}

TEST_CASE("with delete_quorum any, one deletion is enough, but an absence is not") {
    CHECK(fleet::judge_delete(std::vector{ok(200), timeout(), client(403)}, true).status == 204);
    CHECK(fleet::judge_delete(std::vector{client(404), client(404)}, true).status == 404);
    CHECK(fleet::judge_delete(std::vector{client(404), timeout()}, true).status == 502);
}

TEST_CASE("one answer is enough for a question to all; without any it is said who is to blame") {
    const std::vector<Row> rows{{"one answers", {client(401), ok(200), fault(500)}, 1, 200},
                                {"nobody offers it", {absent(404), absent(501)}, 1, 501},
                                {"all refuse", {client(401), absent(404)}, 1, 401},
                                {"one is broken", {client(401), fault(500)}, 1, 503},
                                {"nobody is there", {refused(), timeout()}, 1, 503},
                                {"nobody is asked", {}, 1, 503}};
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const auto verdict = fleet::judge_question(row.outcomes, "a list");
        CHECK(verdict.status == row.status);
        CHECK((verdict.decision == Decision::met) == (row.status == 200));
        CHECK(verdict.reason.empty() == (row.status == 200));
    }
}
