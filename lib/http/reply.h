// A Reply is the answer to one request, a value that the handler returns.
//
// The room adds to every Reply what all must have: CORS, Date, Content-Length, Connection,
// X-Request-Id, and X-Reason on every status >= 400 (from the Error, or the status's name).
// The body is a string, a range of a file (sent with sendfile), a stream written by a
// function on the worker, or a parked source (no worker is held).
//
// Threads: a value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/bell.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/headers.h"

namespace espalier::http {

struct FileBody {
    std::shared_ptr<base::Fd> file;
    std::uint64_t size = 0;  // of the whole file; Range is applied by the room
};

// Where a streaming handler writes to; blocks while the client is slow.
class Writer {
public:
    virtual ~Writer() = default;
    // false: the client has gone or was too slow; stop.
    virtual bool write(std::span<const std::byte> bytes) = 0;
    virtual bool write(std::string_view bytes) = 0;
};

// Writes exactly `length` bytes (chunked when absent); false = cut the connection, so that the
// client cannot take a part for the whole.
struct StreamBody {
    std::optional<std::uint64_t> length;
    std::function<bool(Writer&)> write;
};

// A source of pieces that come now and then (server-sent events, long-poll). The pusher asks
// for the next piece whenever the Bell rings; asking never blocks.
class Source {
public:
    virtual ~Source() = default;
    struct Piece {
        std::string bytes;
        bool end = false;
    };
    virtual Piece next() = 0;
    // The Bell to ring: called once, before next().
    virtual void ring_on_change(std::shared_ptr<base::Bell> bell) = 0;
    // When to ask again even without a ring.
    virtual base::Deadline wake_at() const { return base::Deadline::never(); }
};

class Reply {
public:
    using Content = std::variant<std::string, FileBody, StreamBody, std::shared_ptr<Source>>;

    explicit Reply(int status = 200) : status_(status) {}
    static Reply json(int status, std::string body);
    // The status of the error's kind, X-Reason, and {"message": reason} as body.
    static Reply of(const base::Error& error);
    // The connection is kept by the pusher; no worker is held.
    static Reply park(int status, std::shared_ptr<Source> source);

    Reply& header(std::string_view name, std::string_view value);  // CR, LF, NUL are removed
    Reply& reason(std::string_view sentence);  // X-Reason: one ASCII line, at most 200 bytes
    Reply& body(std::string bytes, std::string_view type);
    Reply& file(FileBody body, std::string_view type);
    Reply& stream(StreamBody body, std::string_view type);
    // The length that a HEAD reports without a body.
    Reply& length(std::uint64_t bytes);
    // Closes the connection after the reply.
    Reply& close();

    Reply& status(int status);
    int status() const { return status_; }
    const base::Headers& headers() const { return headers_; }
    base::Headers& headers() { return headers_; }
    const Content& content() const { return content_; }
    Content& content() { return content_; }
    std::optional<std::uint64_t> stated_length() const { return length_; }
    bool closes() const { return close_; }

private:
    int status_;
    base::Headers headers_;
    Content content_;
    std::optional<std::uint64_t> length_;
    bool close_ = false;
};

// Reply::of() an Error that is the client's own.
Reply refuse(base::ErrorKind kind, std::string reason);

// The HTTP status of an error kind (400 … 507).
int status_of(base::ErrorKind kind);
// "Not Found" and the like; "Unknown" for others.
std::string_view reason_phrase(int status);

class Envelope;

// What an answer says about the connection.
enum class Persistence : std::uint8_t { silent, keep_alive, close };

// The answer of an instant handler, appended to the connection's output without allocation
// of its own. Call begin(), then header() any number of times, then end().
class InstantReply {
public:
    // The envelope adds Date, X-Request-Id and Server; without one they are left out.
    explicit InstantReply(std::string& out, Envelope* envelope = nullptr,
                          Persistence persistence = Persistence::silent)
        : out_(out), envelope_(envelope), persistence_(persistence) {}
    // Status line, CORS and the other headers of every reply.
    void begin(int status);
    void header(std::string_view name, std::string_view value);  // value must be clean
    // Content-Length and the body; with `head_only` the body is left out.
    void end(std::string_view body, bool head_only = false);
    // For HEAD: a length without a body.
    void end_head(std::uint64_t length);

    int status() const { return status_; }  // 0: begin() was not called
    std::uint64_t body_bytes() const { return body_bytes_; }

private:
    std::string& out_;
    Envelope* const envelope_;
    const Persistence persistence_;
    int status_ = 0;
    std::uint64_t body_bytes_ = 0;
    bool has_reason_ = false;
};

// The answer to OPTIONS: 204 and what a browser's preflight asks for.
Reply preflight();
void preflight(InstantReply& reply);
// {"message": sentence}
std::string message_json(std::string_view sentence);

}  // namespace espalier::http
