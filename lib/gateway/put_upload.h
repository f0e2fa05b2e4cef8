// PUT /upload (BUD-02, sheet A.3, A.15, A.18, B.5): one body in, every upstream fed at its own
// pace, the last byte held back until the digest agrees with all that the client promised.
// PUT /media (BUD-05, sheet A.6): the same for one upstream that makes another blob of it. That one
// is not brought to the others: the client's token does not name it.
//
// Threads: handle() on workers.
#pragma once

#include "gateway/account.h"
#include "gateway/admission.h"
#include "gateway/parts.h"
#include "gateway/purpose.h"
#include "gateway/storing.h"

namespace espalier::gateway {

class PutUpload {
public:
    PutUpload(const Parts& parts, Purpose purpose, const Account& account)
        : parts_(parts), purpose_(purpose), account_(account), storing_(parts, account) {}
    http::Reply handle(http::Request& request);

private:
    // What one upload is about, once its head has been accepted.
    struct Intake {
        Admission admission;
        std::optional<protocol::BlobHash> promised;  // X-SHA-256
        std::string type;                            // Content-Type, "" when not given
        int quorum = 1;

        // What the body's hash ought to be, as far as it is known.
        std::optional<protocol::BlobHash> hash() const;
    };

    std::expected<Intake, http::Reply> accept_head(const http::Request& request) const;
    // Those that are left out are counted.
    Targets targets_for(const http::Request& request, const Intake& intake) const;
    fanout::UploadPlan plan_for(const http::Request& request, const Intake& intake,
                                Targets targets) const;
    void learn_that_it_makes_none(fleet::UpstreamId upstream) const;
    // For a verdict that is not a success; with an upstream's demands, when that is to be paid.
    http::Reply refusal(const Intake& intake, const fleet::Verdict& verdict,
                        std::span<const fleet::Outcome> outcomes) const;
    // The proofs go to the upstream that asked for them, and to no other.
    void pay(fanout::UploadPlan& plan, const Intake& intake, const base::Headers& proofs) const;
    // dedupe_put: skip. Who has the blob already counts as an acknowledgement and gets no bytes.
    void skip_holders(fanout::UploadPlan& plan) const;
    std::optional<http::Reply> disagreement(const Intake& intake,
                                            const protocol::BlobHash& hash) const;

    const Parts& parts_;
    const Purpose purpose_;
    const Account& account_;
    const Storing storing_;
};

}  // namespace espalier::gateway
