// The strict reading of a request's head (RFC 9112), so that what a proxy before us and we
// understand by the same bytes never differs.
//
// Anything ambiguous is refused: bare CR or LF, folded lines, control bytes, a space before a
// colon, two lengths, a length beside a transfer coding, two Hosts.
//
// Pure; the Head's views point into `input`.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/request.h"

namespace espalier::http {

inline constexpr std::size_t kTargetBytesMax = 8000;

// An answer that the room makes by itself. A status of 0: no refusal.
struct Refusal {
    int status = 0;
    std::string_view reason;  // of static lifetime
    explicit operator bool() const { return status != 0; }
};

struct HeadOutcome {
    enum class Kind : std::uint8_t { incomplete, complete, refused };
    Kind kind = Kind::incomplete;
    std::size_t bytes = 0;  // of `input` that the head takes, when complete
    Refusal refusal;
};

// Reads the head at the front of `input`, of which the first `seen` bytes were found
// incomplete before. `head` is overwritten; when refused it holds what was read so far.
HeadOutcome read_head(std::string_view input, std::size_t seen, Head& head);

}  // namespace espalier::http
