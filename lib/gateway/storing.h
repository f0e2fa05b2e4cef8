// Storing is what the endpoints that write a blob to many servers share: PUT /upload and
// PUT /mirror. It carries one body to its servers, waits for their verdict, and says what was
// stored where.
//
// Threads: one worker; it borrows the parts.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gateway/account.h"
#include "gateway/admission.h"
#include "gateway/parts.h"

namespace espalier::gateway {

// Where a body comes from.
struct Source {
    http::Body& body;
    const Admission& admission;
    // The reply when it breaks.
    std::function<http::Reply(http::Body::Status)> broken;
    // The whole reply for a verdict that is not a success.
    std::function<http::Reply(const fleet::Verdict&, const std::vector<fleet::Outcome>&)> refused;
    // What is wrong with a body of this hash, if anything; asked before any server sees its end.
    std::function<std::optional<http::Reply>(const protocol::BlobHash&)> disagreement;
};

// What has become of a blob; with PUT /media, of what a server made of it.
struct Stored {
    protocol::BlobHash hash;
    std::uint64_t size = 0;  // bytes
    std::string type;        // "" unknown
    std::vector<fleet::Outcome> outcomes;
    fleet::Verdict verdict;
    std::optional<std::int64_t> uploaded = {};  // earliest that the servers state
};

class Storing {
public:
    Storing(const Parts& parts, const Account& account) : parts_(parts), account_(account) {}

    // min_upload_servers, or what X-Min-Upstreams wants. Errors: invalid.
    base::Result<int> quorum_for(const http::Head& head) const;
    // As long as the token lives, less a margin for the last answers, within the configured
    // bounds.
    base::Deadline deadline_for(const Admission& admission) const;
    // Sends the plan's body, whose hash has been promised or not, to these servers with their
    // tokens; `type`: Content-Type, "" unknown.
    void address(fanout::UploadPlan& plan, const std::vector<fleet::UpstreamId>& chosen,
                 const Admission& admission, std::string_view type) const;
    // Before any server can store it anew: a delete that is still asked for behind its reply must
    // not take the new copies away.
    void forget_deletes(const protocol::BlobHash& hash) const;
    // Of these servers those where the gateway stores the blob in its user's name; `stored`: what
    // is known of it. They are noted in the ledger before they get it. Errors: unavailable,
    // storage.
    base::Result<void> note_kept(std::span<const fleet::UpstreamId> servers,
                                 const Admission& admission, const Stored& stored) const;
    // Reads the whole source, lets the servers have its end and waits for their verdict, which
    // need not be a good one. Otherwise why it was given up; nobody has stored anything then.
    std::expected<Stored, http::Reply> store(const Source& source,
                                             const fanout::UploadPlan& plan) const;
    // The descriptor (BUD-02) of what was stored; `stored.verdict` is met.
    http::Reply reply(const http::Request& request, const Stored& stored) const;
    // Those of these that lack the blob are entered in the ledger; where the token is still good
    // for it, it is used to bring the blob later. False: none lacks it.
    bool enter_missing(const protocol::BlobHash& hash, const std::vector<fleet::Outcome>& outcomes,
                       const Admission& admission) const;

    // Those that will not have it are not where the gateway keeps it.
    void forget_refused(const Stored& stored, const Admission& admission) const;

private:
    struct Poured {
        protocol::BlobHash hash;
        std::string first_bytes;
    };

    base::Result<void> note_kept(const fanout::UploadPlan& plan, const Source& source,
                                 Stored stored) const;
    std::expected<Poured, http::Reply> pour(const Source& source, fanout::Upload& upload,
                                            const fanout::UploadPlan& plan) const;
    std::optional<http::Reply> why_to_stop(const Source& source, const fanout::Upload& upload,
                                           const fanout::UploadPlan& plan, bool has_room) const;
    fanout::UploadStatus await_verdict(fanout::Upload& upload, base::Deadline deadline) const;

    const Parts& parts_;
    const Account& account_;
};

}  // namespace espalier::gateway
