#include "store/store.h"

#include <algorithm>
#include <utility>

namespace espalier::store {
namespace {

http::Server::Options server_options(const Options& options) {
    http::Server::Options out;
    out.listen = options.listen;
    out.reactors = 1;
    out.workers_max = std::max(options.workers, 1);
    out.workers_min = std::min(out.workers_min, out.workers_max);
    out.workers_reserved = 0;
    out.server_name = "espalier-store";
    return out;
}

}  // namespace

base::Result<std::unique_ptr<Store>> Store::open(Options options, base::Log& log,
                                                 const base::Clock& clock) {
    auto folder = BlobFolder::open(options.folder);
    if (!folder) return std::unexpected(std::move(folder).error());
    return std::unique_ptr<Store>(new Store(std::move(options), std::move(*folder), log, clock));
}

Store::Store(Options options, std::unique_ptr<BlobFolder> folder, base::Log& log,
             const base::Clock& clock)
    : options_(std::move(options)),
      folder_(std::move(folder)),
      handlers_(*folder_, options_, clock, log),
      server_(server_options(options_), handlers_, log) {}

}  // namespace espalier::store
