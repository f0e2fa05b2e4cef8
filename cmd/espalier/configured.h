// What the commands about a user's blobs on the configured servers begin with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "fleet/upstream.h"
#include "protocol/key.h"

namespace espalier::command {

struct Configured {
    std::vector<fleet::Upstream> upstreams;
    protocol::PublicKey pubkey;
    std::optional<protocol::SecretKey> key;  // nothing: none was given
};

// `pubkey`: hex or npub; "" = the secret key's. `secret`: nsec or hex; "" = ESPALIER_NSEC.
// Errors: what is wrong with the file, or with a key.
base::Result<Configured> read_configured(const std::string& config, const std::string& pubkey,
                                         const std::string& secret);

}  // namespace espalier::command
