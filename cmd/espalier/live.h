// `espalier check --live`: asks every configured server over the network what a gateway would
// want to know of it.
//
// Threads: the caller's, which it blocks for some seconds at most.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fleet/capability.h"
#include "survey.h"

namespace espalier::command {

struct LiveServer {
    fleet::Upstream upstream;
    std::string error;           // why it cannot be reached; "": it can
    base::Milliseconds took{0};  // for its answer to the HEAD of a blob that nobody has …
    int status = 0;              // … which was this
    bool says_yes_to_all = false;
    bool allows_every_origin = false;  // the answer, after redirects, had CORS headers
    fleet::Offerings offers{};

    bool reachable() const { return error.empty(); }
};

std::vector<LiveServer> ask_servers(Desk& desk);
// A small table for each.
std::string live_text(const std::vector<LiveServer>& servers);
std::string live_json(const std::vector<LiveServer>& servers);

}  // namespace espalier::command
