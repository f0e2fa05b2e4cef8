// `espalier repair`: brings the blobs of a user to every configured server that lacks them.
//
// Each is mirrored (BUD-04) from a server that has it; where that does not work it is fetched,
// checked and uploaded. What is there already is passed over, so that an interrupted run is
// resumed by running it again.
#pragma once

#include <string>

namespace espalier::command {

struct RepairOptions {
    std::string pubkey;  // hex or npub; "" = the secret key's
    std::string config = "config/config.yaml";
    std::string secret;  // nsec or hex; "" = ESPALIER_NSEC
    // Instead of a survey: this server, and a file of lines "hash source [inferred]".
    std::string server;
    std::string list;
    std::string error_log;  // URLs that failed, one per line; "" = none
    bool dry_run = false;
    bool json = false;
};

// Progress and failures go to stderr, the totals to stdout. The exit status: 1 when a copy is
// still missing.
int run_repair(const RepairOptions& options);

}  // namespace espalier::command
