// What this program's own commands ask of a Blossom server: one request, waited for.
//
// Threads: the caller's, which these block; the engine does the work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "engine/engine.h"
#include "protocol/blob_hash.h"
#include "protocol/key.h"

namespace espalier::command {

struct HashedFile {
    protocol::BlobHash hash;
    std::uint64_t size = 0;  // bytes
};

// Errors: invalid (it cannot be read).
base::Result<HashedFile> hash_file(const std::string& path);

// The answer, whatever its status. Errors: those of a Transfer.
base::Result<engine::Response> ask(engine::Engine& engine, engine::TransferRequest request);

// A file on its way to PUT /upload.
struct Upload {
    std::string path;
    HashedFile file;  // as hashed before; the server refuses what has changed since
    engine::Url server;
};
using OnProgress = std::function<void(std::uint64_t bytes_sent)>;

// Signs a token for this one blob and streams the file with it; the answer, whatever its
// status. Errors: invalid (it cannot be read, or has become shorter), those of a Transfer.
base::Result<engine::Response> put_file(engine::Engine& engine, const protocol::SecretKey& key,
                                        const Upload& upload, const OnProgress& on_progress);

}  // namespace espalier::command
