#include "store/handlers.h"

namespace espalier::store {

// Where nobody has to sign, a blob that nobody owns may be deleted by anybody.
http::Reply StoreHandlers::delete_blob(const http::Request& request, const Hash& hash) {
    auto caller = caller_of(request, protocol::Verb::delete_, hash, signature_for_writes());
    if (!caller) return refusal(caller.error());
    Remover remover{.pubkey = std::nullopt,
                    .may_remove_ownerless = !options_.require_auth,
                    .now = clock_.unix_now()};
    if (*caller) remover.pubkey = (*caller)->pubkey;
    auto removed = folder_.remove(hash, remover);
    return removed ? http::Reply(204) : refusal(removed.error());
}

}  // namespace espalier::store
