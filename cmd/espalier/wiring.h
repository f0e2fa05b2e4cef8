// From what the operator chose (Settings) to what each room is told (its Options).
//
// Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "fleet/upstream.h"
#include "gateway/options.h"
#include "gateway/rates.h"
#include "http/server.h"
#include "protocol/authorizer.h"
#include "protocol/key.h"
#include "settings/settings.h"

namespace espalier::command {

// Errors: invalid, naming the URL or key; validation has caught them before.
base::Result<std::vector<fleet::Upstream>> upstreams_from(const settings::Settings& settings);
base::Result<protocol::AuthorizerOptions> authorizer_from(const settings::Settings& settings);
// Itself, whether it stands in the settings or in a file; "" when there is none. Errors: as below.
base::Result<std::string> admin_token_from(const settings::Settings& settings);
// Nothing when there is none. Errors: invalid, naming the file but never the key.
base::Result<std::optional<protocol::SecretKey>> service_key_from(
    const settings::Settings& settings);
gateway::Options gateway_from(const settings::Settings& settings);
gateway::Rates::Options rates_from(const settings::Settings& settings);
http::Server::Options server_from(const settings::Settings& settings);
fleet::Strategy strategy_from(settings::Strategy strategy);

}  // namespace espalier::command
