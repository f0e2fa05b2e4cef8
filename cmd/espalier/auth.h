// `espalier auth`: makes Blossom tokens and keys on the command line, for curl and scripts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "protocol/key.h"

namespace espalier::command {

struct AuthOptions {
    // Print a fresh key pair instead of a token; everything else is ignored.
    bool generate = false;
    // Print this public key (npub or hex) as hex instead; "": no.
    std::string public_key;
    // nsec or 64 hex digits; "" = the environment variable ESPALIER_NSEC, which other users
    // of the machine cannot see in the list of processes.
    std::string secret;
    std::string verb = "upload";       // get, upload, list, delete, media
    std::vector<std::string> files;    // their hashes become x tags
    std::vector<std::string> hashes;   // x tags
    std::vector<std::string> servers;  // server tags; URLs are reduced to their hosts
    std::int64_t lifetime = 600;       // seconds until the token expires
    std::string content;               // for humans; "" = a sentence about the verb
};

// The key in `option` (nsec or hex), or in ESPALIER_NSEC when that is "". Errors: invalid.
base::Result<protocol::SecretKey> secret_key(const std::string& option);

// Prints "Authorization: Nostr …" (or "nsec …" and "npub …") to stdout. Returns the exit
// status: 0, or 1 after a line on stderr.
int run_auth(const AuthOptions& options);

}  // namespace espalier::command
