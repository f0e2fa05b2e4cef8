// A blob that the gateway fetches for the client, instead of sending it to a server (sheet A.1,
// A.17, A.18): in proxy mode, or where a browser could not use the server itself.
//
// A whole blob is checked on its way and never ends well when it is wrong; one range is served, and
// marked as not checked (X-Verified: no). Nothing is kept.
//
// Threads: one worker, which also sends the body.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "fanout/fetch.h"
#include "gateway/parts.h"
#include "http/range.h"
#include "http/reply.h"
#include "http/request.h"
#include "protocol/blob_path.h"

namespace espalier::gateway {

class ProxyBlob {
public:
    explicit ProxyBlob(const Parts& parts) : parts_(parts) {}

    struct Failure {
        base::Error error;  // of Fetch::open()
        std::vector<fleet::Outcome> outcomes;
    };
    // The whole reply, or why nobody could give the blob. `origins`: those that have it, the best
    // first.
    std::expected<http::Reply, Failure> reply(const http::Request& request,
                                              const protocol::BlobHash& hash,
                                              std::vector<fleet::UpstreamId> origins,
                                              const fleet::BlobFacts& facts) const;

private:
    // What the client gets of what is fetched.
    struct Span {
        std::uint64_t skip = 0;
        std::optional<std::uint64_t> length;  // nothing: all of it
    };
    http::StreamBody body(std::shared_ptr<fanout::Fetch> fetch, Span span) const;

    const Parts& parts_;
};

}  // namespace espalier::gateway
