// How the outcomes of many upstreams are told to one client: X-Upstream-Results, and the body
// of an error (sheet A.0, A.18). Hosts only, never an alternative address.
//
// Pure functions.
#pragma once

#include <span>
#include <string>

#include "base/error.h"
#include "fleet/fleet.h"
#include "fleet/judge.h"
#include "http/reply.h"

namespace espalier::gateway {

// "host=201, host=timeout": at most 4 KiB, ASCII.
std::string upstream_results(const fleet::Fleet& fleet, std::span<const fleet::Outcome> outcomes);
// {"message": …, "upstreams": [{"host", "status", "reason"}]}
std::string error_body(const fleet::Fleet& fleet, std::string_view message,
                       std::span<const fleet::Outcome> outcomes);
// The whole answer for a verdict that is not a success.
http::Reply error_reply(const fleet::Fleet& fleet, const fleet::Verdict& verdict,
                        std::span<const fleet::Outcome> outcomes);

}  // namespace espalier::gateway
