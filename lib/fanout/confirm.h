// The Confirmer keeps the map honest: a replica is listed only after a HEAD said 200, and
// entries that have been believed for a while are asked again behind the reply.
//
// Threads: any; the asking happens on the mover. The functions return at once, so that a
// reactor may call them.
#pragma once

#include <vector>

#include "fanout/mover.h"
#include "fanout/network.h"
#include "protocol/blob_hash.h"

namespace espalier::fanout {

class Confirmer {
public:
    struct Options {
        base::Milliseconds patience{3'000};  // for one HEAD
        // Some servers accept an upload before it can be read (sheet A.17).
        std::vector<base::Milliseconds> retries{
            base::Milliseconds{1'000}, base::Milliseconds{3'000}, base::Milliseconds{10'000}};
    };

    Confirmer(Options options, Network network, Mover& mover)
        : options_(std::move(options)), network_(network), mover_(mover) {}

    // `server` has acknowledged the blob: list it once it can be read.
    void after_store(const protocol::BlobHash& hash, fleet::UpstreamId server);
    // Asks these again; who lacks it is taken off the map.
    void again(const protocol::BlobHash& hash, fleet::UpstreamSet servers);

private:
    const Options options_;
    Network network_;
    Mover& mover_;
};

}  // namespace espalier::fanout
