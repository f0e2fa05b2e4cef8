// An Errand is what is left to be done at one server about one blob after the client has got its
// answer, and the client's own token for it. In memory only: a token is never written down.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "fleet/upstream.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

struct Errand {
    protocol::BlobHash hash;
    fleet::UpstreamId server = 0;
    std::string authorization;  // "" = none; never logged
    std::int64_t until = 0;     // unix seconds; it is given up then
    // A delete: for so long "it is not there" may mean "not yet".
    base::Seconds doubt{0};
    std::string owner = {};  // whose token it is: a public key in hex, "" unknown
};

}  // namespace espalier::fanout
