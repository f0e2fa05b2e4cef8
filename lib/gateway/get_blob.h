// GET and HEAD /<sha256>[.ext] (sheet A.1, A.2, A.18).
//
// A GET is sent to the replica that rank() puts first, or fetched for the client in proxy mode and
// where a browser could not use that server; a HEAD is answered by us from what the winner said.
// What the map knows is redirected on the reactor; the rest looks the blob up.
//
// Threads: instant() on reactors, handle() on workers.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "gateway/hints.h"
#include "gateway/parts.h"
#include "gateway/proxy_blob.h"
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

// Whether the bytes that this GET asks for may have to pass through a worker.
bool may_proxy(const Parts& parts, const http::Head& head);

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
    // Where the blob is, as far as we know, and what is known of it.
    struct Known {
        fleet::UpstreamSet servers;
        fleet::BlobFacts facts;
    };
    using Candidates = std::array<fleet::Candidate, fleet::kUpstreamsMax>;
    // The best first.
    std::span<const fleet::Candidate> rank_all(fleet::UpstreamSet servers,
                                               const protocol::BlobHash& hash, const Asker& asker,
                                               Candidates& room);
    std::optional<Choice> choose(fleet::UpstreamSet servers, const protocol::BlobHash& hash,
                                 const Asker& asker);
    void take(const Choice& choice, const protocol::BlobHash& hash, std::string_view peer);
    void verify_if_old(const protocol::BlobHash& hash, const fleet::BlobEntry& entry);
    std::string location(fleet::UpstreamId upstream, const protocol::BlobPath& path,
                         std::string_view type) const;
    http::Reply answer(const http::Request& request, const protocol::BlobPath& path,
                       const Choice& choice, const Known& known);
    // The client is sent to a server that it has named itself.
    http::Reply answer_hint(const http::Request& request, const protocol::BlobPath& path,
                            const HintHit& hit) const;
    http::Reply redirect(std::string_view location) const;
    static http::Reply head_reply(const protocol::BlobPath& path, const fleet::BlobFacts& facts);
    http::Reply answer_head(const protocol::BlobPath& path, const Choice& choice,
                            const fleet::BlobFacts& facts) const;
    http::Reply proxied(const http::Request& request, const protocol::BlobHash& hash,
                        const Choice& choice, const Known& known);
    // It may be found when it is asked for again.
    http::Reply not_now(int status, std::string_view reason,
                        std::span<const fleet::Outcome> outcomes) const;
    http::Reply not_fetched(const ProxyBlob::Failure& failure) const;
    http::Reply not_found(const fanout::Located& located) const;
    http::Reply uncertain(const fanout::Located& located, bool is_head) const;

    const Parts& parts_;
    Turns& turns_;
};

}  // namespace espalier::gateway
