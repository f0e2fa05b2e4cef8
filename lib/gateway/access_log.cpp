#include "gateway/access_log.h"

#include <vector>

namespace espalier::gateway {
namespace {

constexpr std::size_t kPathBytesMax = 256;

}  // namespace

void log_access(base::Log& log, const http::Answered& answer) {
    if (!log.enabled(base::Level::info)) return;
    std::vector<base::Field> fields{{"request", answer.request_id},
                                    {"client", answer.client},
                                    {"method", answer.head.method},
                                    {"path", answer.head.path.substr(0, kPathBytesMax)},
                                    {"status", std::int64_t{answer.status}},
                                    {"bytes", static_cast<std::int64_t>(answer.body_bytes)},
                                    {"ms", answer.took.count()}};
    const auto add = [&](std::string_view name, std::string_view header) {
        const auto value = answer.headers == nullptr ? "" : answer.headers->value(header);
        if (!value.empty()) fields.emplace_back(name, value);
    };
    add("results", "X-Upstream-Results");
    add("upstream", "X-Upstream");
    add("reason", "X-Reason");
    if (answer.cut) fields.emplace_back("cut", "yes");
    log.write(base::Level::info, "answered", fields);
}

}  // namespace espalier::gateway
