#include "gateway/purpose.h"

#include <algorithm>

namespace espalier::gateway {

std::optional<fleet::UpstreamId> choose_maker(const fleet::Fleet& fleet,
                                              const std::vector<fleet::UpstreamId>& chosen) {
    const auto first = [&](fleet::Capability wanted) {
        return std::ranges::find_if(chosen, [&](auto id) {
            return fleet.offering(id, fleet::Endpoint::media).offered == wanted;
        });
    };
    auto found = first(fleet::Capability::yes);
    if (found == chosen.end()) found = first(fleet::Capability::unknown);
    return found == chosen.end() ? std::nullopt : std::optional(*found);
}

http::Reply nobody_makes_media() {
    return http::Reply::of({.kind = base::ErrorKind::missing,
                            .reason = "none of the servers offers /media: use /upload",
                            .origin = base::Origin::upstream});
}

}  // namespace espalier::gateway
