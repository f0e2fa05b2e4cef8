// A Store is a small Blossom server over one folder: the embedded upstream for newcomers,
// tests and self-hosters.
//
// Threads: those of its http::Server and one for the database, from open()/start() to stop().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "http/server.h"
#include "store/blob_folder.h"
#include "store/handlers.h"
#include "store/options.h"

namespace espalier::store {

class Store {
public:
    // `log` and `clock` outlive the Store. Errors: storage, unavailable (the folder is in use).
    static base::Result<std::unique_ptr<Store>> open(Options options, base::Log& log,
                                                     const base::Clock& clock);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Errors: those of http::Server::start().
    base::Result<void> start() { return server_.start(); }
    // In the order of Options::listen, once started.
    std::vector<std::uint16_t> ports() const { return server_.ports(); }
    // Uploads under way may finish until then; what does not is not stored.
    void stop(base::Deadline grace) { server_.stop(grace); }

    BlobFolder& blobs() { return *folder_; }

private:
    Store(Options options, std::unique_ptr<BlobFolder> folder, base::Log& log,
          const base::Clock& clock);

    const Options options_;
    const std::unique_ptr<BlobFolder> folder_;
    StoreHandlers handlers_;
    http::Server server_;
};

}  // namespace espalier::store
