// The Authorizer decides who is asking and whether the token in hand allows it: the checks
// of BUD-11, in a fixed order, so that the same token gets the same answer everywhere.
//
// Pure: time and the own host name are passed in. Threads: any, it never changes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"
#include "protocol/token.h"
#include "protocol/verb.h"

namespace espalier::protocol {

// Who is asking, as a valid token says.
struct Caller {
    PublicKey pubkey;
    // The signed event byte for byte, for authorization_header(); never logged or stored.
    std::string event_json;
    std::int64_t created_at = 0;           // unix seconds
    std::int64_t expiration = 0;           // unix seconds; as far away as the client likes
    std::vector<BlobHash> hashes;          // the well-formed x tags
    std::vector<std::string> servers;      // the server tags as server_tag_host() writes them
    std::vector<std::string> server_tags;  // and as they stand in the token
    // There are x tags, well-formed or not: the token is for these blobs only.
    bool has_x = false;

    bool names(const BlobHash& hash) const {
        return std::ranges::find(hashes, hash) != hashes.end();
    }
};

enum class AuthRefusal : std::uint8_t {
    missing,
    malformed,
    duplicate_key,
    wrong_kind,
    wrong_id,
    bad_signature,
    future,
    no_expiration,
    expired,
    wrong_verb,
    wrong_server,
    missing_x,
    wrong_x,
    not_allowed,
};

// The stable lower-case word, for labels and logs.
std::string_view name_of(AuthRefusal why);

// `error` is `forbidden` for a token that is fine but does not allow this (wrong_verb,
// missing_x, wrong_x, not_allowed), else `unauthorized`; its reason is one sentence.
struct Refusal {
    AuthRefusal why;
    base::Error error;
};

// Which server tags a token may carry besides none.
enum class AcceptServerTags : std::uint8_t {
    own,              // one names us
    own_or_upstream,  // one names us or an upstream
    any,
};

// Whether a token must name the blob in an x tag. x tags that are there always bind.
enum class RequireX : std::uint8_t {
    by_verb,     // delete must, the others need not
    if_present,  // nobody must
    strict,      // upload, media and delete must (BUD-11 to the letter)
};

struct AuthorizerOptions {
    std::vector<PublicKey> allowed;  // empty = everyone
    AcceptServerTags accept_server_tags = AcceptServerTags::own_or_upstream;
    std::vector<std::string> upstream_hosts;  // URLs or host names
    RequireX require_x = RequireX::by_verb;
    std::size_t token_bytes_max = std::size_t{16} * 1024;  // of the whole header value
    std::int64_t created_at_tolerance = 60;                // seconds into the future
};

class Authorizer {
public:
    explicit Authorizer(AuthorizerOptions options);

    // `authorization_header` is the field's value, "" when there is none. `hash` is the blob
    // the request is about if that is known already; if it is not, the caller must ask
    // check_hash() before anything is stored. `own_host` is our public name, with or without
    // scheme and port. `now` in unix seconds.
    std::expected<Caller, Refusal> check(std::string_view authorization_header, Verb verb,
                                         const std::optional<BlobHash>& hash,
                                         std::string_view own_host, std::int64_t now) const;

    const AuthorizerOptions& options() const { return options_; }

private:
    // Constant after construction: `allowed` sorted, `upstream_hosts` normalised.
    AuthorizerOptions options_;
};

// Whether the caller's x tags allow this blob; `forbidden` if not. For `get` they bind when
// present, for `list` never.
base::Result<void> check_hash(const Caller& caller, Verb verb, const BlobHash& hash,
                              RequireX require_x);

// The host in a server tag: lower case, without scheme, user, path, port and trailing dot.
// Wild values are "host", "host:port", "https://host/".
std::string server_tag_host(std::string_view value);

}  // namespace espalier::protocol
