// PUT /mirror (BUD-04, sheet A.7): a blob that lies elsewhere comes to every upstream.
//
// The upstreams are asked to fetch it themselves. Those that cannot get it from us: the gateway
// fetches it once, checks it and uploads it. A URL that leads to this gateway is replaced by
// that of a replica.
//
// Threads: handle() on workers.
#pragma once

#include "fanout/mirror.h"
#include "gateway/account.h"
#include "gateway/admission.h"
#include "gateway/parts.h"
#include "gateway/storing.h"

namespace espalier::gateway {

class PutMirror {
public:
    PutMirror(const Parts& parts, const Account& account)
        : parts_(parts), account_(account), storing_(parts, account) {}
    http::Reply handle(http::Request& request);

private:
    // What one mirror is about, once it has been accepted.
    struct Intake {
        Admission admission;
        engine::Url url;
        std::optional<protocol::BlobHash> hash;  // what the URL or the token's only x tag names
        int quorum = 1;
        fleet::UpstreamSet required;  // must be among the quorum
        std::vector<fleet::UpstreamId> chosen;
        std::vector<fleet::Outcome> left_out;
        std::vector<fleet::Outcome> unable;  // of the chosen: known not to mirror
        base::Deadline deadline;
    };
    using Upstreams = std::vector<fleet::UpstreamId>;

    std::expected<Intake, http::Reply> accept(http::Request& request) const;
    std::expected<engine::Url, http::Reply> replica_of(const engine::Url& own) const;
    std::shared_ptr<fanout::Mirroring> begin_mirroring(const Intake& intake) const;
    // Waits until the quorum is met and some more, or until it is time for us to fetch the blob.
    void await(fanout::Mirroring& mirroring, const Intake& intake) const;
    // What is said of each upstream so far.
    static std::vector<fleet::Outcome> outcomes_of(const Intake& intake,
                                                   const fanout::MirrorStatus& status);
    // Enters whoever of the chosen lacks it: the blob is wanted there, by whatever way.
    void enter_missing(const Intake& intake, const Stored& stored,
                       fanout::Mirroring& mirroring) const;
    // Fetches the blob and uploads it to these; `done`: the outcomes of the others.
    std::expected<Stored, http::Reply> carry(const Intake& intake, const Upstreams& to,
                                             std::vector<fleet::Outcome> done) const;
    engine::TransferRequest fetch_request(const Intake& intake) const;
    std::optional<http::Reply> disagreement(const Intake& intake,
                                            const protocol::BlobHash& hash) const;
    http::Reply conclude(const http::Request& request, const Intake& intake, Stored stored) const;

    const Parts& parts_;
    const Account& account_;
    const Storing storing_;
};

}  // namespace espalier::gateway
