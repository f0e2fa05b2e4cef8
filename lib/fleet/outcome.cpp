#include "fleet/outcome.h"

#include <algorithm>

#include "base/text.h"

namespace espalier::fleet {
namespace {

constexpr std::size_t kReasonBytesMax = 200;

Break break_of(base::ErrorKind kind) {
    switch (kind) {
        case base::ErrorKind::refused:
            return Break::refused;
        case base::ErrorKind::tls:
            return Break::tls;
        case base::ErrorKind::timeout:
            return Break::timeout;
        case base::ErrorKind::reset:
            return Break::reset;
        default:
            return Break::none;
    }
}

OutcomeKind kind_of_status(int status, bool optional_endpoint) {
    if (status >= 200 && status < 300) return OutcomeKind::ok;
    if (status >= 300 && status < 400) return OutcomeKind::capability;
    if (status == 402) return OutcomeKind::pay;
    if (status == 429) return OutcomeKind::throttle;
    const bool absent = status == 404 || status == 405 || status == 501;
    if (optional_endpoint && absent) return OutcomeKind::capability;
    if (status >= 400 && status < 500) return OutcomeKind::client_fault;
    return OutcomeKind::upstream_fault;
}

std::string reason_of(const engine::TransferState& state) {
    const auto said = state.response.headers.value("X-Reason");
    if (!said.empty()) return base::one_line(said, kReasonBytesMax);
    return base::text("HTTP ", state.response.status);
}

// Whether an exchange ended for a reason of our own.
bool is_ours(base::ErrorKind kind) {
    switch (kind) {
        case base::ErrorKind::cancelled:
        case base::ErrorKind::shutting_down:
        case base::ErrorKind::throttled:  // by max_inflight
        case base::ErrorKind::forbidden:
        case base::ErrorKind::invalid:
        case base::ErrorKind::internal:
            return true;
        default:
            return false;
    }
}

void fill_from_error(Outcome& outcome, const base::Error& error) {
    outcome.broken = break_of(error.kind);
    outcome.reason = base::one_line(error.reason, kReasonBytesMax);
    outcome.kind = is_ours(error.kind) ? OutcomeKind::cancelled : OutcomeKind::upstream_fault;
}

}  // namespace

std::string_view name_of(Op op) {
    switch (op) {
        case Op::upload:
            return "upload";
        case Op::download:
            return "download";
        case Op::mirror:
            return "mirror";
        case Op::remove:
            return "delete";
        case Op::list:
            return "list";
        case Op::report:
            return "report";
        case Op::lookup:
            return "lookup";
        case Op::preflight:
            return "preflight";
        case Op::probe:
            return "probe";
        case Op::capability:
            return "capability";
    }
    return "unknown";
}

std::string_view name_of(OutcomeKind kind) {
    switch (kind) {
        case OutcomeKind::pending:
            return "pending";
        case OutcomeKind::ok:
            return "ok";
        case OutcomeKind::client_fault:
            return "client_fault";
        case OutcomeKind::pay:
            return "pay";
        case OutcomeKind::throttle:
            return "throttle";
        case OutcomeKind::capability:
            return "capability";
        case OutcomeKind::upstream_fault:
            return "upstream_fault";
        case OutcomeKind::out_of_scope:
            return "out_of_scope";
        case OutcomeKind::cancelled:
            return "cancelled";
    }
    return "unknown";
}

std::string_view name_of(Failure failure) {
    constexpr std::array<std::string_view, kFailures> kNames{
        "401",     "402",     "403", "413",   "415",        "429",          "4xx",  "5xx",
        "timeout", "refused", "tls", "reset", "wrong_hash", "out_of_scope", "other"};
    return kNames.at(static_cast<std::size_t>(failure));
}

namespace {

Failure failure_of_status(int status) {
    switch (status) {
        case 401:
            return Failure::unauthorized;
        case 402:
            return Failure::payment_required;
        case 403:
            return Failure::forbidden;
        case 413:
            return Failure::too_large;
        case 415:
            return Failure::unsupported_type;
        case 429:
            return Failure::too_many_requests;
        default:
            if (status >= 500) return Failure::server_error;
            return status >= 400 ? Failure::other_client_error : Failure::other;
    }
}

}  // namespace

std::optional<Failure> failure_of(const Outcome& outcome) {
    if (outcome.kind == OutcomeKind::ok || outcome.kind == OutcomeKind::pending ||
        outcome.kind == OutcomeKind::cancelled)
        return std::nullopt;
    if (outcome.kind == OutcomeKind::out_of_scope) return Failure::out_of_scope;
    if (!outcome.sent) return std::nullopt;
    if (outcome.wrong_hash) return Failure::wrong_hash;
    switch (outcome.broken) {
        case Break::timeout:
            return Failure::timeout;
        case Break::refused:
            return Failure::refused;
        case Break::tls:
            return Failure::tls;
        case Break::reset:
            return Failure::reset;
        case Break::none:
            break;
    }
    return failure_of_status(outcome.status);
}

std::string Outcome::word() const {
    if (kind == OutcomeKind::pending) return "pending";
    if (kind == OutcomeKind::out_of_scope) return "out_of_scope";
    if (!sent) return "skipped";
    switch (broken) {
        case Break::refused:
            return "refused";
        case Break::tls:
            return "tls";
        case Break::timeout:
            return "timeout";
        case Break::reset:
            return "reset";
        case Break::none:
            break;
    }
    if (kind == OutcomeKind::cancelled) return "cancelled";
    if (status == 0) return "reset";  // what came was no HTTP
    return base::text(status);
}

Outcome outcome_of(const Upstream& upstream, const engine::TransferState& state,
                   bool optional_endpoint) {
    Outcome outcome{.upstream = upstream.id, .elapsed = state.elapsed};
    // A complete answer counts, whatever happened to the connection afterwards.
    if (!state.response_complete && state.error) {
        fill_from_error(outcome, *state.error);
        return outcome;
    }
    outcome.status = state.response.status;
    outcome.kind = kind_of_status(outcome.status, optional_endpoint);
    if (outcome.kind != OutcomeKind::ok) outcome.reason = reason_of(state);
    if (outcome.kind == OutcomeKind::pay)
        for (const auto name : kPaymentHeaders)
            if (const auto demand = state.response.headers.get(name))
                outcome.payment.add(name, *demand);
    outcome.retry_after = parse_retry_after(state.response.headers.value("Retry-After"));
    return outcome;
}

Outcome left_out(UpstreamId upstream, OutcomeKind kind, int status, std::string reason) {
    return {.upstream = upstream,
            .kind = kind,
            .status = status,
            .sent = false,
            .reason = std::move(reason)};
}

std::optional<base::Seconds> parse_retry_after(std::string_view value) {
    constexpr std::uint64_t kLongest = 3600;
    const auto seconds = base::parse_number(base::trim(value));
    if (!seconds) return std::nullopt;
    return base::Seconds{static_cast<std::int64_t>(std::min(*seconds, kLongest))};
}

}  // namespace espalier::fleet
