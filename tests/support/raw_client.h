// A blocking HTTP/1.1 client that says exactly what a test tells it to say, byte by byte.
//
// Every wait ends after the client's patience at the latest; nothing is thrown.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/headers.h"
#include "support/changes.h"
#include "support/http_text.h"
#include "support/socket.h"

namespace espalier::test {

struct Response {
    int status = 0;  // 0: no answer came
    base::Headers headers;
    std::string body;
    bool complete = false;  // the body ended as its framing promised

    std::string_view header(std::string_view name) const { return headers.value(name); }
};

class RawClient {
public:
    struct Options {
        std::string host = "127.0.0.1";
        base::Milliseconds patience = kPatience;  // for each call
        int receive_buffer = 0;                   // bytes; 0 = the kernel's choice
        Interrupt* interrupt = nullptr;
    };
    explicit RawClient(std::uint16_t port);
    RawClient(std::uint16_t port, const Options& options);
    RawClient(RawClient&&) = delete;

    bool connected() const { return socket_.is_open(); }
    // All bytes, or false when the peer hung up or took none for as long as our patience.
    bool send(std::string_view bytes);
    // Sends at `bytes_per_second`, in small pieces.
    bool send_paced(std::string_view bytes, std::uint64_t bytes_per_second);
    // Sends what fits until the peer has taken nothing for `patience`; how many bytes went.
    std::size_t send_until_stuck(std::string_view bytes, base::Milliseconds patience);
    // Sends until done or until the peer has begun to answer or hung up; true = all sent.
    bool send_unless_answered(std::string_view bytes);
    // The request's head: request line, Host, the headers given, blank line.
    bool send_head(std::string_view method, std::string_view target,
                   const base::Headers& headers = {});

    // The next response, 1xx ones skipped. `to_head`: the request was a HEAD.
    Response read_response(bool to_head = false);
    // The head alone; the body can then be read piece by piece.
    std::optional<MessageHead> read_head();
    // Some bytes of what follows, at most `bytes_max`; "" = the peer has ended or nothing
    // came in time.
    std::string read_some(std::size_t bytes_max);
    // A line without its end, e.g. of an event stream.
    std::optional<std::string> read_line() { return reader_.read_line(); }
    // Reads and drops all until the peer hangs up; how it did (closed or broken).
    Io wait_closed();

    void half_close() { socket_.half_close(); }
    void close() { socket_.close(); }
    void reset() { socket_.reset(); }  // RST

private:
    base::Deadline deadline() const { return base::Deadline::after(options_.patience); }
    std::size_t receive(std::span<char> out);

    const Options options_;
    const std::uint16_t port_;
    Socket socket_;
    ByteReader reader_;
    Io last_read_ = Io::ok;
};

// One request on a connection of its own, with Content-Length when there is a body or the
// method is PUT. An answer that comes before the body is sent ends the sending.
Response http_request(std::uint16_t port, std::string_view method, std::string_view target,
                      const base::Headers& headers = {}, std::string_view body = {});

// How a streamed PUT goes.
struct PutPlan {
    std::string target = "/upload";
    base::Headers headers;
    std::uint64_t bytes_per_second = 0;     // 0 = as fast as it goes
    bool chunked = false;                   // instead of Content-Length
    std::optional<std::uint64_t> abort_at;  // after so many bytes of the body …
    enum class Abort : std::uint8_t { reset, close } abort = Abort::reset;
};
// Status 0 when aborted as planned.
Response streaming_put(std::uint16_t port, std::string_view body, const PutPlan& plan);

}  // namespace espalier::test
