#include "metrics/health.h"

#include <nlohmann/json.hpp>

namespace espalier::metrics {

using Json = nlohmann::ordered_json;

std::string health_json(const Condition& condition) {
    Json servers = Json::object();
    for (const auto& one : condition.upstreams)
        servers[one.url] = {{"healthy", one.healthy},
                            {"consecutive_failures", one.consecutive_failures}};
    const Json threads{{"count", condition.vitals.threads},
                       {"max", condition.threads_max},
                       {"healthy", condition.enough_threads()}};
    const Json health{{"healthy", condition.healthy()},
                      {"healthy_count", condition.healthy_count()},
                      {"min_upload_servers", condition.min_upload_servers},
                      {"memory",
                       {{"bytes", condition.vitals.memory_bytes},
                        {"max", condition.memory_bytes_max},
                        {"healthy", condition.enough_memory()}}},
                      {"goroutines", threads},
                      {"threads", threads},
                      {"servers", servers}};
    return health.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace espalier::metrics
