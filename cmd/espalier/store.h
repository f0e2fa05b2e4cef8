// `espalier store`: a small Blossom server over one folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/key.h"

namespace espalier::command {

struct StoreCommandOptions {
    std::string folder;  // made if need be, with its parents
    std::vector<std::string> listen{"127.0.0.1:24242"};
    bool require_auth = false;
    std::vector<protocol::PublicKey> allowed;  // who may sign; empty = everyone
    bool accept_any_server_tag = false;        // for an upstream that only a gateway talks to
    std::uint64_t max_upload_bytes = 2ULL * 1024 * 1024 * 1024;
    std::uint64_t upload_rate_max = 0;  // bytes a second of each upload, 0 = unlimited
    int workers = 32;
    std::string base_url;         // "" = as the client addresses us
    bool mirror = true;           // PUT /mirror
    bool mirror_private = false;  // also from loopback and private addresses
};

// Prints "listening on http://HOST:PORT" for each address, serves until SIGINT or SIGTERM;
// the process's exit code. Requires: no other thread yet (it sets the signal mask).
int run_store(const StoreCommandOptions& options);

}  // namespace espalier::command
