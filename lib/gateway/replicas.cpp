#include "gateway/replicas.h"

#include "base/text.h"
#include "fleet/rank.h"
#include "gateway/admission.h"
#include "protocol/mime.h"

namespace espalier::gateway {

ReplicaNames::ReplicaNames(const Options& options, const fleet::Fleet& fleet,
                           const http::Request& request)
    : options_(options), fleet_(fleet), own_url_(own_url(options, request)) {}

std::vector<std::string> ReplicaNames::urls(fleet::UpstreamSet servers,
                                            const protocol::BlobHash& hash,
                                            std::string_view type) const {
    std::vector<fleet::Candidate> candidates;
    for (const auto& upstream : fleet_.upstreams())
        if (servers.has(upstream.id)) candidates.push_back(fleet_.candidate(upstream.id));
    // The hash is the dice: a blob's canonical URL changes with its replicas only.
    fleet::rank(candidates, options_.upload_strategy, std::hash<protocol::BlobHash>{}(hash));
    const auto name = base::text(hash.hex(), '.', protocol::extension_of(type));
    std::vector<std::string> urls;
    if (options_.links_to_us) urls.push_back(base::text(own_url_, '/', name));
    for (const auto& candidate : candidates) urls.push_back(fleet_.link_base(candidate.id) + name);
    return urls;
}

}  // namespace espalier::gateway
