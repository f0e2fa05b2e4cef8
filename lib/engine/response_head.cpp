#include "engine/response_head.h"

#include <string>

#include "base/text.h"

namespace espalier::engine {

using base::trim;

ResponseHead::Progress ResponseHead::feed(std::string_view line, std::size_t bytes_max) {
    if (done_) return Progress::more;  // trailers
    bytes_ += line.size();
    if (bytes_ > bytes_max) return Progress::too_long;
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return finish();
    if (line.starts_with("HTTP/")) return feed_status(line);
    return feed_field(line);
}

// "HTTP/1.1 200 OK"; HTTP/2 has no reason.
ResponseHead::Progress ResponseHead::feed_status(std::string_view line) {
    headers_ = {};
    const auto space = line.find(' ');
    const auto digits = space == std::string_view::npos ? "" : line.substr(space + 1, 3);
    const auto code = base::parse_number(digits);
    if (!code || *code < 100) return Progress::bad;
    status_ = static_cast<int>(*code);
    return Progress::more;
}

ResponseHead::Progress ResponseHead::feed_field(std::string_view line) {
    if (line.starts_with(' ') || line.starts_with('\t')) {
        // A folded line (RFC 9112 section 5.2) may only hide things: no header of ours needs it.
        return Progress::bad;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return Progress::more;
    headers_.add(line.substr(0, colon), trim(line.substr(colon + 1)));
    return Progress::more;
}

ResponseHead::Progress ResponseHead::finish() {
    if (status_ == 0) return Progress::bad;
    if (status_ < 200) return Progress::more;  // the next status line starts afresh
    done_ = true;
    return Progress::done;
}

std::optional<std::uint64_t> ResponseHead::body_bytes(bool answers_head) const {
    if (answers_head || status_ == 204 || status_ == 304) return 0;
    if (headers_.has("Transfer-Encoding")) return std::nullopt;
    const auto length = headers_.get("Content-Length");
    return length ? base::parse_number(trim(*length)) : std::nullopt;
}

}  // namespace espalier::engine
