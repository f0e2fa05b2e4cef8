// Asking one upstream for a blob, or whether it has it: GET and HEAD /<sha256> (BUD-01), and
// reading the answer to a HEAD.
//
// Upstreams differ in how they say no (sheet A.17): 404, 410, a 200 with X-Reason "File not
// found", or whatever status a HEAD of a random hash shows. Whoever says yes to a random hash
// cannot be believed at all.
//
// Pure functions.
#pragma once

#include <optional>
#include <string>

#include "fanout/network.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

enum class Presence : std::uint8_t { there, absent, unknown };

struct HeadAnswer {
    Presence presence = Presence::unknown;
    std::optional<std::uint64_t> size;
    std::string type;
    std::int64_t last_modified = 0;  // unix seconds, 0 unknown
    std::int64_t sunset = 0;         // unix seconds, 0 none
    // It comes with what browsers need: CORS and a length.
    bool fit_for_browsers = false;

    fleet::BlobFacts facts_of(const protocol::BlobHash& hash) const;
};

engine::TransferRequest head_request(const fleet::Upstream& upstream,
                                     const protocol::BlobHash& hash, base::Deadline deadline);
// The caller says where the bytes go.
engine::TransferRequest blob_request(const fleet::Upstream& upstream,
                                     const protocol::BlobHash& hash, base::Deadline deadline);
// Whether the body is not the blob as it is, though we ask for nothing else.
bool is_encoded(const engine::Response& response);
// `miss_status`: what this upstream was seen to answer for a blob that nobody has; 0 unknown.
HeadAnswer read_head(const engine::TransferState& state, int miss_status);
// What the exchange says of the upstream: not to have a blob is no fault, in whatever words.
fleet::Outcome head_outcome(const fleet::Upstream& upstream, const engine::TransferState& state,
                            const HeadAnswer& answer);
// The miss_status to remember after a HEAD of a blob that nobody has: 404 for every plain no, 200
// for a yes, `known` when the answer teaches nothing. Who has said no once does not say it by a
// 5xx: then something is broken.
int learn_miss_status(int known, const engine::TransferState& state);

// IMF-fixdate (RFC 9110 section 5.6.7) to and from unix seconds.
std::optional<std::int64_t> parse_http_date(std::string_view text);
std::string http_date(std::int64_t unix_time);

}  // namespace espalier::fanout
