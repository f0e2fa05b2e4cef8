#include "protocol/key.h"
#include "protocol/list_query.h"
#include "store/handlers.h"

namespace espalier::store {

using base::ErrorKind;

http::Reply StoreHandlers::get_list(const http::Request& request, std::string_view pubkey) const {
    const auto owner = protocol::PublicKey::parse(pubkey);
    if (!owner) {
        return http::Reply::of({.kind = ErrorKind::invalid,
                                .reason = "a public key is 64 lower-case hex digits",
                                .origin = base::Origin::client});
    }
    const auto caller = caller_of(request, protocol::Verb::list, std::nullopt, Signature::optional);
    if (!caller) return refusal(caller.error());
    const auto query = protocol::read_list_query(
        [&](std::string_view name) { return request.parameter(name); }, options_.list_limit_max);
    if (!query) return refusal(query.error());
    const auto blobs = folder_.list(*owner, *query);
    if (!blobs) return refusal(blobs.error());
    std::string json = "[";
    for (const auto& blob : *blobs) {
        if (json.size() > 1) json += ',';
        json += descriptor_json(request, blob);
    }
    return http::Reply::json(200, json + "]");
}

}  // namespace espalier::store
