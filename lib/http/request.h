// What a client asked, as a handler sees it.
//
// A Head is a request's first lines after the strict check: its views point into the
// connection's buffer and live as long as the handler runs. A Request adds the body.
//
// Threads: the one that runs the handler.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bell.h"
#include "base/clock.h"
#include "base/error.h"

namespace espalier::http {

// Header lines at most; a head with more is refused (431).
inline constexpr std::size_t kHeadLinesMax = 100;
inline constexpr std::size_t kHeadBytesMax = 16'384;

struct Head {
    std::string_view method;
    std::string_view target;  // as sent, absolute-form rewritten to origin-form
    std::string_view path;    // target before '?', not percent-decoded
    std::string_view query;   // after '?', "" when there is none
    std::string_view host;    // the authority of an absolute-form target, else the Host line
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    bool keep_alive = true;
    bool http10 = false;
    bool expects_continue = false;
    bool chunked = false;
    std::optional<std::uint64_t> content_length;  // nothing: no Content-Length line

    // The first value of this name (any case), or nothing.
    std::optional<std::string_view> header(std::string_view name) const;
    std::string_view value(std::string_view name) const { return header(name).value_or(""); }
    bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// The body of a request, byte for byte as the client sent it (chunk framing removed).
class Body {
public:
    enum class Status : std::uint8_t {
        bytes,     // `count` bytes were read
        end,       // the declared end was reached; nothing more
        rung,      // the Bell rang before there were bytes
        timeout,   // the deadline passed, or the client is below client_min_rate
        broken,    // FIN, RST or bad framing before the declared end
        too_large  // a body without declared length passed the limit
    };
    struct Read {
        Status status;
        std::size_t count = 0;
    };

    virtual ~Body() = default;
    // Waits for at least one byte, the Bell (if given), or the deadline. The first call sends
    // "100 Continue" when the client expects it.
    virtual Read read(std::span<std::byte> into, base::Bell* bell, base::Deadline deadline) = 0;
    // Bytes as declared; nothing when chunked.
    virtual std::optional<std::uint64_t> declared_bytes() const = 0;
    // Whether the client has closed its side or broken off, so that nobody waits for the reply any
    // more. May be asked until the whole reply is sent.
    virtual bool gone() const { return false; }
    // The whole body, when it has at most `bytes_max` bytes. Errors: too_large, slow_client,
    // reset.
    base::Result<std::string> read_all(std::size_t bytes_max, base::Deadline deadline);
};

struct Request {
    const Head& head;
    Body& body;
    std::string peer;     // the client's address, without port
    std::string id;       // X-Request-Id of the answer
    bool secure = false;  // a trusted proxy said https
    // The Host header as sent (or the X-Forwarded-Host of a trusted proxy).
    std::string host;

    // "http://host" or "https://host": how the client addresses us.
    std::string origin() const;
    // The first well-formed value of a query parameter, percent-decoded; nothing without one.
    std::optional<std::string> parameter(std::string_view name) const;
    // All its values that are well-formed, in their order.
    std::vector<std::string> parameters(std::string_view name) const;
};

}  // namespace espalier::http
