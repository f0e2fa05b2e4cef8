// How a Store is set up.
//
// Plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "protocol/authorizer.h"

namespace espalier::store {

// What the origin of a mirrored blob says about it.
struct FetchedHead {
    std::optional<std::uint64_t> length;  // bytes
    std::string content_type;             // as sent, "" = none
};

// Takes a blob that is fetched from elsewhere. An Error from it ends the fetch, which then
// returns that Error.
class FetchSink {
public:
    virtual ~FetchSink() = default;
    virtual base::Result<void> begin(const FetchedHead& head) = 0;  // once, first
    virtual base::Result<void> append(std::span<const std::byte> bytes) = 0;
};

// Gets `url` and hands its bytes over, all of them or an Error: `invalid` for a bad URL,
// `forbidden` for an address that may not be asked (the URL is a client's), `upstream` and the
// like (502) for an origin that does not deliver.
using Fetcher = std::function<base::Result<void>(const std::string& url, FetchSink& sink,
                                                 base::Deadline deadline)>;

struct Options {
    std::string folder;
    std::vector<std::string> listen{"127.0.0.1:0"};
    // Whether uploads, mirrors and deletes must be signed. Signatures that are there are
    // checked in any case; reads and lists are open to all.
    bool require_auth = false;
    protocol::AuthorizerOptions auth;
    std::uint64_t max_upload_bytes = 2ULL * 1024 * 1024 * 1024;
    int workers = 32;
    std::string base_url;  // of descriptors and server tags; "" = as the client addresses us
    // Bytes a second that each upload is read at, 0 = as fast as it comes; for trying out
    // what a slow server does.
    std::uint64_t upload_rate_max = 0;
    base::Milliseconds upload_timeout{3'600'000};
    base::Milliseconds mirror_timeout{300'000};
    std::uint64_t list_limit_max = 5000;  // blobs in one answer, also the default
    Fetcher fetch;                        // none: PUT /mirror is answered 501
};

}  // namespace espalier::store
