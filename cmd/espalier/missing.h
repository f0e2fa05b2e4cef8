// `espalier missing`: which blobs of a user are missing on which of the configured servers.
#pragma once

#include <string>

namespace espalier::command {

struct MissingOptions {
    std::string pubkey;  // hex or npub
    std::string config = "config/config.yaml";
    std::string secret;         // nsec or hex; "" = ESPALIER_NSEC, or lists without a token
    bool json = false;          // {"<server url>": [{"hash", "source", "inferred"}]}
    std::string output_folder;  // a file per server, lines "hash source inferred"; "" = stdout
};

// Progress and warnings go to stderr. The exit status: 0 also when copies are missing, 1 when
// it could not be found out.
int run_missing(const MissingOptions& options);

}  // namespace espalier::command
