// What an upload is for: a blob as it is, on all servers (BUD-02), or whatever one server makes of
// it (BUD-05).
#pragma once

#include <cstdint>

#include "fanout/network.h"
#include "gateway/targets.h"
#include "http/reply.h"
#include "protocol/verb.h"

namespace espalier::gateway {

enum class Purpose : std::uint8_t { upload, media };

inline protocol::Verb verb_of(Purpose purpose) {
    return purpose == Purpose::media ? protocol::Verb::media : protocol::Verb::upload;
}

// Leaves the one of the chosen that is to make something of the blob, and nobody left out: who is
// known to do that goes before who may, and the first before the others. Those of whom nothing is
// known are asked first, within `patience`. False: none does. With nobody chosen nothing happens.
bool leave_one_maker(fanout::Network network, Targets& targets, base::Milliseconds patience);
// 404, so that clients go on with PUT /upload; they must not be sent elsewhere.
http::Reply nobody_makes_media();

}  // namespace espalier::gateway
