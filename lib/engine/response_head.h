// A ResponseHead gathers the lines of a response's head: interim answers (1xx) are dropped,
// the final one is kept, trailers are ignored.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/headers.h"

namespace espalier::engine {

class ResponseHead {
public:
    enum class Progress : std::uint8_t { more, done, too_long, bad };

    // One line, with its line end. `bytes_max` counts every line, also of interim answers.
    // `done` is said once, at the empty line of the final head.
    Progress feed(std::string_view line, std::size_t bytes_max);

    bool started() const { return bytes_ > 0; }
    bool done() const { return done_; }
    int status() const { return status_; }
    const base::Headers& headers() const { return headers_; }
    // How long the body will be (RFC 9112 section 6.3); nothing = its end will show.
    std::optional<std::uint64_t> body_bytes(bool answers_head) const;

private:
    Progress feed_status(std::string_view line);
    Progress feed_field(std::string_view line);
    Progress finish();

    std::size_t bytes_ = 0;
    int status_ = 0;
    bool done_ = false;
    base::Headers headers_;
};

}  // namespace espalier::engine
