// GET and HEAD /<sha256>[.ext] in redirect mode (sheet A.1, A.2, A.18).
//
// A GET is sent to the replica that rank() puts first; a HEAD is answered by us from what the
// winner said. What the map knows is answered on the reactor; the rest looks the blob up.
//
// Threads: instant() on reactors, handle() on workers.
#pragma once

#include <optional>

#include "gateway/parts.h"
#include "gateway/recently_given.h"
#include "http/reply.h"
#include "http/request.h"
#include "protocol/blob_path.h"

namespace espalier::gateway {

// What is remembered from one request to the next. Threads: any.
struct Turns {
    explicit Turns(std::uint64_t seed) : recently_given(seed) {}
    RecentlyGiven recently_given;
    std::atomic<std::uint64_t> next{0};
};

class GetBlob {
public:
    GetBlob(const Parts& parts, Turns& turns) : parts_(parts), turns_(turns) {}

    // false: a worker has to look.
    bool instant(const http::Head& head, std::string_view peer, http::InstantReply& reply);
    http::Reply handle(const http::Request& request);

private:
    struct Choice {
        fleet::UpstreamId upstream = 0;
        bool good = false;  // neither suspect nor unhealthy
    };
    struct Asker {
        std::string_view peer;
        bool takes_a_turn = true;  // a HEAD does not: the GET after it would always get the same
    };
    std::optional<Choice> choose(fleet::UpstreamSet servers, const protocol::BlobHash& hash,
                                 const Asker& asker);
    void take(const Choice& choice, const protocol::BlobHash& hash, std::string_view peer);
    void verify_if_old(const protocol::BlobHash& hash, const fleet::BlobEntry& entry);
    std::string location(fleet::UpstreamId upstream, const protocol::BlobPath& path,
                         std::string_view type) const;
    http::Reply answer(const http::Request& request, const protocol::BlobPath& path,
                       const Choice& choice, const fleet::BlobFacts& facts);
    http::Reply not_found(const fanout::Located& located) const;
    http::Reply uncertain(const fanout::Located& located) const;

    const Parts& parts_;
    Turns& turns_;
};

}  // namespace espalier::gateway
