// A Transfer is one exchange with one upstream, under way on the engine's thread.
//
// It is a handle: destroying it cancels the exchange (an unfinished upload is cut, so that
// the upstream cannot mistake it for a whole one). The owner learns of progress through
// the Bell given at the start and then reads a TransferState.
//
// `response_complete` says that the upstream's answer is whole; `over` says that the exchange
// is finished with its connection. An early 200 or 413 is complete long before it is over.
//
// Threads: the handle belongs to one thread; state() may be called from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bell.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/headers.h"
#include "engine/pipe.h"
#include "engine/rate.h"
#include "engine/url.h"

namespace espalier::engine {

struct TransferRequest {
    std::string method = "GET";
    Url url;
    base::Headers headers;  // Host and Content-Length are the engine's; Expect is always empty
    std::string body;       // small bodies; excludes `upload`
    std::shared_ptr<Pipe> upload;               // body from here, `upload_bytes` long
    std::optional<std::uint64_t> upload_bytes;  // required with `upload`
    std::shared_ptr<Pipe> download;             // body to here; null: kept in Response::body
    std::size_t body_bytes_max = 64 * 1024;     // for Response::body; longer = error upstream
    std::size_t head_bytes_max = 16 * 1024;     // longer = error upstream
    std::string connect_to;                     // "host:port" to connect to; "": the url's
    base::Deadline deadline = base::Deadline::never();
    base::Milliseconds connect_timeout{10'000};
    base::Milliseconds stall_timeout{30'000};  // no byte either way while we could move some
    int redirects_max = 0;                     // followed by the engine, guarded at each hop
    bool verify_tls = true;
    bool public_addresses_only = false;  // refuse private, loopback, link-local … (SSRF guard)
    // Exchanges at once with the url's host, of those that send a body from a Pipe and of the
    // others each; more wait, and their deadline runs. Whose turn does not come ends `throttled`.
    // 0: any number.
    std::size_t at_once_max = 0;
    std::vector<std::shared_ptr<Rate>> rates = {};  // each is a limit
    bool http2 = false;  // small operations only; bodies go over HTTP/1.1
};

struct Response {
    int status = 0;  // 0: no head yet
    base::Headers headers;
    std::string body;
};

struct TransferState {
    bool head_received = false;
    bool response_complete = false;
    bool over = false;
    Response response;                 // meaningful from head_received on
    std::optional<base::Error> error;  // set at the end of an exchange that failed: kinds refused
                                       // tls reset timeout upstream forbidden cancelled
                                       // shutting_down throttled, and invalid or internal for
                                       // our faults
    std::uint64_t bytes_sent = 0;      // of the request's body
    std::uint64_t bytes_received = 0;  // of the response's body
    base::Milliseconds elapsed{0};     // from start to the complete response (or the end)
};

class Exchange;  // the engine's inner side

class Transfer {
public:
    Transfer();
    ~Transfer();
    Transfer(Transfer&&) noexcept;
    Transfer& operator=(Transfer&&) noexcept;

    explicit operator bool() const { return exchange_ != nullptr; }
    TransferState state() const;
    // Cheap: whether state().response_complete or state().over.
    bool decided() const;
    void cancel();

private:
    friend class Engine;
    explicit Transfer(std::shared_ptr<Exchange> exchange);
    std::shared_ptr<Exchange> exchange_;
};

}  // namespace espalier::engine
