// The fetcher that a Store mirrors with, made of an Engine: the two rooms do not know each
// other.
#pragma once

#include "engine/engine.h"
#include "store/options.h"

namespace espalier::command {

struct FetchOptions {
    // Refuses loopback, private and link-local addresses: the URLs are strangers'.
    bool public_addresses_only = true;
    int redirects_max = 5;
    std::size_t buffer_bytes = std::size_t{1024} * 1024;  // of each fetch under way
};

// The engine outlives the fetcher. Fetches block their caller's thread, not the engine's.
store::Fetcher make_fetcher(engine::Engine& engine, const FetchOptions& options);

}  // namespace espalier::command
