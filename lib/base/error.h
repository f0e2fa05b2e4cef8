// An Error says what went wrong, whose fault it is, and whether trying again can help.
//
// Functions that can fail return Result<T>. Context is added once, where it becomes
// useful to a reader; `reason` is a sentence a client may be shown.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace espalier::base {

enum class ErrorKind : std::uint8_t {
    invalid,          // malformed input
    unauthorized,     // who are you?
    payment,          // pay first
    forbidden,        // you may not
    missing,          // not there
    slow_client,      // the client took too long
    conflict,         // contradicts what was promised
    gone,             // was there once
    length_required,  // a length must be given
    too_large,        // over a size limit
    unsupported,      // a type we do not take
    bad_range,        // outside of the thing
    throttled,        // too often
    head_too_large,   // request head over its limit
    internal,         // our own fault
    not_implemented,  // not done here
    upstream,         // a server behind us failed
    unavailable,      // try later
    timeout,          // a server behind us was too slow
    refused,          // could not connect
    tls,              // could not agree on a secure connection
    reset,            // the connection broke
    storage,          // disk full or broken
    cancelled,        // nobody wants the answer any more
    shutting_down,    // we are leaving
};

enum class Origin : std::uint8_t { client, upstream, internal };

// The stable lower-case word of a kind, e.g. "too_large"; for logs and labels.
std::string_view name_of(ErrorKind kind);

struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string reason;
    Origin origin = Origin::internal;
    int upstream_status = 0;  // 0: no upstream answered
    bool retryable = false;
};

template <class T>
using Result = std::expected<T, Error>;

// An error to return: `return fail(ErrorKind::invalid, "…")`.
inline std::unexpected<Error> fail(ErrorKind kind, std::string reason,
                                   Origin origin = Origin::internal) {
    return std::unexpected(Error{.kind = kind, .reason = std::move(reason), .origin = origin});
}

}  // namespace espalier::base
