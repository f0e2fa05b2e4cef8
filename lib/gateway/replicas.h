// ReplicaNames says how the replicas of a blob are named to a client.
//
// Threads: one; it borrows the options and the fleet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fleet/fleet.h"
#include "gateway/options.h"
#include "http/request.h"
#include "protocol/blob_hash.h"

namespace espalier::gateway {

class ReplicaNames {
public:
    // The request need not outlive it.
    ReplicaNames(const Options& options, const fleet::Fleet& fleet, const http::Request& request);

    // One URL per replica, the canonical one first (sheet A.18): ours when links lead to us, else
    // the one of the replica that rank() puts first. Always with an extension. Empty only without
    // servers.
    std::vector<std::string> urls(fleet::UpstreamSet servers, const protocol::BlobHash& hash,
                                  std::string_view type) const;

private:
    const Options& options_;
    const fleet::Fleet& fleet_;
    const std::string own_url_;
};

}  // namespace espalier::gateway
