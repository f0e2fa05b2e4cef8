#include "metrics/condition.h"

#include <algorithm>

#include "base/text.h"

namespace espalier::metrics {
namespace {

using fleet::UpstreamSnapshot;

std::string plural(std::uint64_t number, std::string_view one, std::string_view many) {
    return base::text(number, ' ', number == 1 ? one : many);
}

// "a.example is unhealthy, b.example is suspect"
std::string those_not_well(const Condition& condition) {
    std::string names;
    for (const auto& one : condition.upstreams)
        if (const auto state = state_of(one); state != "healthy")
            names += base::text(names.empty() ? "" : ", ", one.host, " is ", state);
    return names;
}

std::string degraded_in_words(const Condition& condition) {
    auto words = std::string("Uploads and downloads work.");
    if (const auto names = those_not_well(condition); !names.empty())
        words += base::text(' ', names, '.');
    if (const auto missing = condition.replication.missing; missing > 0)
        words += base::text(' ', plural(missing, "copy is", "copies are"), " still to be brought.");
    if (!condition.disk_writable) words += " The spool folder cannot be written.";
    return words;
}

}  // namespace

std::string_view state_of(const UpstreamSnapshot& upstream) {
    if (!upstream.healthy) return "unhealthy";
    if (upstream.suspect) return "suspect";
    return upstream.paused ? "paused" : "healthy";
}

std::string_view name_of(State state) {
    switch (state) {
        case State::ok:
            return "ok";
        case State::degraded:
            return "degraded";
        case State::reads_only:
            return "reads_only";
        case State::down:
            return "down";
        case State::over_limit:
            return "over_limit";
        case State::draining:
            return "draining";
    }
    return "";
}

int Condition::healthy_count() const {
    return static_cast<int>(std::ranges::count_if(upstreams, &UpstreamSnapshot::healthy));
}

State Condition::state() const {
    if (draining) return State::draining;
    if (healthy_count() == 0) return State::down;
    if (!enough_servers()) return State::reads_only;
    if (!enough_memory() || !enough_threads()) return State::over_limit;
    const bool all_well =
        std::ranges::all_of(upstreams, [](const auto& one) { return state_of(one) == "healthy"; });
    return all_well && replication.missing == 0 && disk_writable ? State::ok : State::degraded;
}

std::string Condition::state_in_words() const {
    switch (state()) {
        case State::ok:
            return base::text("All ", plural(upstreams.size(), "server is", "servers are"),
                              " well; an upload counts when ", min_upload_servers, " have it.");
        case State::degraded:
            return degraded_in_words(*this);
        case State::reads_only:
            return base::text("Downloads work, uploads may fail: they need ", min_upload_servers,
                              " servers, and ", healthy_count(), " of ", upstreams.size(),
                              healthy_count() == 1 ? " is healthy." : " are healthy.");
        case State::down:
            return "No server is healthy: neither uploads nor downloads can be relied on.";
        case State::over_limit:
            return enough_memory() ? "The process has reached its limit of threads."
                                   : "The process has reached its limit of memory.";
        case State::draining:
            return "The gateway is shutting down and takes nothing new.";
    }
    return "";
}

}  // namespace espalier::metrics
