// What each room's snapshot looks like as metrics (prefix blossom_gw_).
#pragma once

#include <vector>

#include "engine/engine.h"
#include "fanout/locate.h"
#include "fanout/remainders.h"
#include "fanout/repairer.h"
#include "fleet/blob_map.h"
#include "fleet/fleet.h"
#include "http/server.h"
#include "metrics/exposition.h"
#include "metrics/vitals.h"

namespace espalier::metrics {

void describe(Exposition& out, const std::vector<fleet::UpstreamSnapshot>& upstreams);
void describe(Exposition& out, const fleet::BlobMap::Snapshot& map);
void describe(Exposition& out, const fanout::Locator::Snapshot& locator);
void describe(Exposition& out, const fanout::Remainders::Snapshot& remainders);
void describe(Exposition& out, const fanout::Repairer::Snapshot& repairer);
void describe(Exposition& out, const engine::Engine::Snapshot& engine);
void describe(Exposition& out, const http::Server::Snapshot& server);
void describe(Exposition& out, const Vitals& vitals);

}  // namespace espalier::metrics
