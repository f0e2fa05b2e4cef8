#include "gateway/purpose.h"

#include <algorithm>

#include "fanout/capability_probe.h"
#include "fanout/fan.h"

namespace espalier::gateway {

namespace {

using fleet::Capability;
using fleet::Endpoint;
using fleet::Outcome;

// As the capability probes do, for those that they have not come to yet.
void find_out(fanout::Network network, const std::vector<fleet::UpstreamId>& chosen,
              base::Milliseconds patience) {
    std::vector<fanout::FanLeg> legs;
    for (const auto id : chosen)
        if (network.fleet.offering(id, Endpoint::media).offered == Capability::unknown)
            legs.push_back({id, fanout::capability_question(network.fleet.at(id), Endpoint::media,
                                                            base::Deadline::after(patience))});
    const auto read = [&](const fleet::Upstream& upstream, const engine::TransferState& state) {
        auto outcome = outcome_of(upstream, state, true);
        if (const auto finding = fanout::read_capability(Endpoint::media, state)) {
            network.fleet.learn_offering(upstream.id, Endpoint::media, *finding);
            outcome.kind = fleet::OutcomeKind::ok;
        }
        return outcome;
    };
    fan_out(network, std::move(legs), {.op = fleet::Op::capability, .read = read, .enough = {}});
}

std::optional<fleet::UpstreamId> choose_maker(fanout::Network network,
                                              const std::vector<fleet::UpstreamId>& chosen,
                                              base::Milliseconds patience) {
    const auto first = [&](Capability wanted) {
        return std::ranges::find_if(chosen, [&](auto id) {
            return network.fleet.offering(id, Endpoint::media).offered == wanted;
        });
    };
    auto found = first(Capability::yes);
    if (found == chosen.end()) {
        find_out(network, chosen, patience);
        found = first(Capability::yes);
    }
    if (found == chosen.end()) found = first(Capability::unknown);
    return found == chosen.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

bool leave_one_maker(fanout::Network network, Targets& targets, base::Milliseconds patience) {
    if (targets.chosen.empty()) return true;
    const auto maker = choose_maker(network, targets.chosen, patience);
    if (!maker) return false;
    targets = {.chosen = {*maker}, .left_out = {}};
    return true;
}

http::Reply nobody_makes_media() {
    return http::Reply::of({.kind = base::ErrorKind::missing,
                            .reason = "none of the servers offers /media: use /upload",
                            .origin = base::Origin::upstream});
}

}  // namespace espalier::gateway
