// How one upstream's answer is classified (sheet A.15), and the words that tell it.
#include "fleet/outcome.h"

#include <doctest/doctest.h>

#include "upstreams.h"

using namespace espalier;
using base::ErrorKind;
using engine::TransferState;
using fleet::Break;
using fleet::Outcome;
using fleet::outcome_of;
using fleet::OutcomeKind;

namespace {

TransferState answered(int status, base::Headers headers = {}) {
    TransferState state;
    state.head_received = state.response_complete = true;
    state.response = {.status = status, .headers = std::move(headers), .body = {}};
    return state;
}

TransferState broken(ErrorKind kind, std::string reason = "up3.example broke the connection") {
    TransferState state;
    state.over = true;
    state.error = base::Error{.kind = kind, .reason = std::move(reason)};
    return state;
}

Outcome classify(const TransferState& state, bool optional_endpoint = false) {
    return outcome_of(test::upstream(3), state, optional_endpoint);
}

OutcomeKind kind_of(int status, bool optional_endpoint = false) {
    return classify(answered(status), optional_endpoint).kind;
}

}  // namespace

TEST_CASE("any 2xx is an acknowledgement") {
    for (const int status : {200, 201, 202, 204, 206}) CHECK(kind_of(status) == OutcomeKind::ok);
}

TEST_CASE("refusals are the client's fault, payment and throttling have kinds of their own") {
    for (const int status : {400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 418})
        CHECK(kind_of(status) == OutcomeKind::client_fault);
    CHECK(kind_of(402) == OutcomeKind::pay);
    CHECK(kind_of(429) == OutcomeKind::throttle);
}

TEST_CASE("404, 405 and 501 mean that an optional endpoint is not offered") {
    for (const int status : {404, 405, 501})
        CHECK(kind_of(status, true) == OutcomeKind::capability);
    CHECK(kind_of(403, true) == OutcomeKind::client_fault);
    CHECK(kind_of(500, true) == OutcomeKind::upstream_fault);
    CHECK(kind_of(501, false) == OutcomeKind::upstream_fault);
}

TEST_CASE("a redirect in answer to a PUT is a lack, neither a success nor a fault") {
    for (const int status : {301, 302, 307, 308}) CHECK(kind_of(status) == OutcomeKind::capability);
}

TEST_CASE("5xx is the upstream's fault") {
    for (const int status : {500, 502, 503, 504, 599})
        CHECK(kind_of(status) == OutcomeKind::upstream_fault);
}

TEST_CASE("a broken exchange is the upstream's fault and says how it broke") {
    const std::vector<std::tuple<ErrorKind, Break, std::string>> rows{
        {ErrorKind::refused, Break::refused, "refused"},
        {ErrorKind::tls, Break::tls, "tls"},
        {ErrorKind::timeout, Break::timeout, "timeout"},
        {ErrorKind::reset, Break::reset, "reset"},
    };
    for (const auto& [error, how, word] : rows) {
        const auto outcome = classify(broken(error));
        CHECK(outcome.kind == OutcomeKind::upstream_fault);
        CHECK(outcome.broken == how);
        CHECK(outcome.status == 0);
        CHECK(outcome.word() == word);
        CHECK(outcome.reason == "up3.example broke the connection");
    }
    CHECK(classify(broken(ErrorKind::upstream)).kind == OutcomeKind::upstream_fault);
}

TEST_CASE("an exchange that we gave up is nobody's fault") {
    for (const auto kind : {ErrorKind::cancelled, ErrorKind::shutting_down, ErrorKind::forbidden,
                            ErrorKind::throttled, ErrorKind::internal, ErrorKind::invalid}) {
        const auto outcome = classify(broken(kind));
        CHECK(outcome.kind == OutcomeKind::cancelled);
        CHECK(outcome.word() == "cancelled");
    }
}

TEST_CASE("a complete answer counts, whatever became of the connection") {
    auto state = answered(413);
    state.over = true;
    state.error = base::Error{.kind = ErrorKind::reset, .reason = "it hung up"};
    const auto outcome = classify(state);
    CHECK(outcome.kind == OutcomeKind::client_fault);
    CHECK(outcome.word() == "413");
}

TEST_CASE("the reason is the server's X-Reason in one short printable line") {
    CHECK(classify(answered(413, {{"X-Reason", "too big"}})).reason == "too big");
    CHECK(classify(answered(413)).reason == "HTTP 413");
    CHECK(classify(answered(400, {{"X-Reason", "a\r\nb\x01\xc3\xa4"}})).reason == "a??b???");
    CHECK(classify(answered(400, {{"X-Reason", std::string(5000, 'x')}})).reason.size() == 200);
    CHECK(classify(answered(200, {{"X-Reason", "welcome"}})).reason.empty());
}

TEST_CASE("a Retry-After is read in seconds, and an hour is the longest") {
    using base::Seconds;
    CHECK(classify(answered(429, {{"Retry-After", "17"}})).retry_after == Seconds{17});
    CHECK(classify(answered(503, {{"Retry-After", " 5 "}})).retry_after == Seconds{5});
    CHECK(fleet::parse_retry_after("86400") == Seconds{3600});
    CHECK(fleet::parse_retry_after("0") == Seconds{0});
    for (const auto* const wrong :
         {"", "-1", "1.5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999999"})
        CHECK(fleet::parse_retry_after(wrong) == std::nullopt);
}

TEST_CASE("what was left out is told as out_of_scope or skipped") {
    CHECK(fleet::left_out(3, OutcomeKind::out_of_scope, 401, "why").word() == "out_of_scope");
    const auto skipped = fleet::left_out(3, OutcomeKind::upstream_fault, 503, "why");
    CHECK(skipped.word() == "skipped");
    CHECK_FALSE(skipped.sent);
    CHECK(skipped.upstream == 3);
    CHECK(Outcome{}.word() == "pending");
}

TEST_CASE("an answer that is no HTTP has a word too") {
    const auto outcome = classify(broken(ErrorKind::upstream, "it did not answer in proper HTTP"));
    CHECK(outcome.word() != "0");
}

TEST_CASE("operations and kinds have stable names") {
    using fleet::Op;
    CHECK(name_of(Op::upload) == "upload");
    CHECK(name_of(Op::remove) == "delete");
    CHECK(name_of(Op::lookup) == "lookup");
    CHECK(name_of(OutcomeKind::upstream_fault) == "upstream_fault");
    CHECK(name_of(OutcomeKind::out_of_scope) == "out_of_scope");
    for (std::size_t op = 0; op < fleet::kOps; ++op)
        CHECK(name_of(static_cast<Op>(op)) != "unknown");
    for (int kind = 0; kind < 9; ++kind)
        CHECK(name_of(static_cast<OutcomeKind>(kind)) != "unknown");
}
