// PUT /upload (BUD-02, sheet A.3, A.15, A.18, B.5): one body in, every upstream fed at its own
// pace, the last byte held back until the digest agrees with all that the client promised.
//
// Threads: handle() on workers.
#pragma once

#include "gateway/admission.h"
#include "gateway/parts.h"

namespace espalier::gateway {

class PutUpload {
public:
    explicit PutUpload(const Parts& parts) : parts_(parts) {}
    http::Reply handle(http::Request& request);

private:
    // What one upload is about, once its head has been accepted.
    struct Intake {
        Admission admission;
        std::optional<protocol::BlobHash> promised;  // X-SHA-256
        std::string type;                            // Content-Type, "" when not given
        int quorum = 1;
    };

    base::Result<int> quorum_for(const http::Head& head) const;
    std::expected<Intake, http::Reply> accept_head(const http::Request& request) const;
    fanout::UploadPlan plan_for(const http::Request& request, const Intake& intake) const;
    base::Deadline deadline_for(const Intake& intake) const;
    // dedupe_put: skip. Who has the blob already counts as an acknowledgement and gets no bytes.
    void skip_holders(fanout::UploadPlan& plan) const;
    // Reads the whole body into the upload; the digest, or what went wrong.
    std::expected<base::Digest, http::Reply> pour(http::Request& request, fanout::Upload& upload,
                                                  const fanout::UploadPlan& plan,
                                                  std::string& first_bytes) const;
    std::optional<http::Reply> why_to_stop(const fanout::Upload& upload,
                                           const fanout::UploadPlan& plan, bool has_room) const;
    std::optional<http::Reply> disagreement(const Intake& intake,
                                            const protocol::BlobHash& hash) const;
    fanout::UploadStatus await_verdict(fanout::Upload& upload, base::Deadline deadline) const;
    void forget_deletes(const protocol::BlobHash& hash) const;
    void enter_missing(fanout::Upload& upload, const fanout::UploadStatus& status,
                       const protocol::BlobHash& hash) const;
    http::Reply descriptor_reply(const http::Request& request, const Intake& intake,
                                 const fanout::UploadStatus& status, const protocol::BlobHash& hash,
                                 std::uint64_t size, const std::string& first_bytes) const;

    const Parts& parts_;
};

}  // namespace espalier::gateway
