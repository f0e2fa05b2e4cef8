// A Survey is what lies where: which blobs of one user the configured servers have, and which
// of the servers that take uploads lack one that another has.
//
// Servers that cannot be listed are asked for each blob, so that what is said to be missing is
// missing. Threads: the caller's, which it blocks.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "fanout/network.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"

namespace espalier::command {

struct MissingCopy {
    protocol::BlobHash hash;
    std::string source;  // URL of a copy elsewhere, "" when nobody names one
};

struct Destination {
    fleet::Upstream server;
    std::vector<MissingCopy> missing;

    // The server's URL, without a trailing slash.
    std::string name() const;
};

struct Survey {
    std::size_t blobs = 0;  // of the user, on all servers
    std::vector<Destination> destinations;
    std::vector<std::string> warnings;  // one line each
};

// A gateway's asking side without a gateway.
struct Desk {
    // `upstreams`: with ids 0, 1, 2 …
    explicit Desk(std::vector<fleet::Upstream> upstreams);
    fanout::Network network() { return {engine, fleet, map, clock, log}; }

    base::SystemClock clock;
    base::Log log;
    fleet::Fleet fleet;
    fleet::BlobMap map;
    engine::Engine engine;
};

// `key`: signs the lists' tokens; null: they are asked without. Progress goes to stderr.
Survey survey(Desk& desk, const protocol::PublicKey& pubkey, const protocol::SecretKey* key);

// Whether the server has the blob, as far as it says.
bool has_blob(Desk& desk, const fleet::Upstream& server, const protocol::BlobHash& hash);

}  // namespace espalier::command
