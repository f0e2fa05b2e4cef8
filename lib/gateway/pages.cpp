#include "gateway/pages.h"

#include <memory>

#include "dashboard/assets.h"

namespace espalier::gateway {
namespace {

// Only what comes from here is run, shown and asked.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace

http::Reply page(std::string_view path) {
    const auto* const asset = dashboard::find_asset(path);
    if (asset == nullptr)
        return http::Reply::of(
            {.kind = base::ErrorKind::missing, .reason = "there is nothing at this path"});
    http::Reply reply(200);
    reply.body(std::string(asset->bytes), asset->type);
    reply.header("ETag", asset->etag).header("Cache-Control", "no-cache");
    reply.header("Content-Security-Policy", kPolicy);
    reply.header("X-Content-Type-Options", "nosniff").header("Referrer-Policy", "no-referrer");
    return reply;
}

http::Reply events(std::shared_ptr<http::Source> stream) {
    if (!stream)
        return http::Reply::of({.kind = base::ErrorKind::unavailable,
                                .reason = "too many dashboards are open; /stats says the same"});
    auto reply = http::Reply::park(200, std::move(stream));
    reply.header("Content-Type", "text/event-stream").header("Cache-Control", "no-store");
    // Or nginx would keep the events back.
    reply.header("X-Accel-Buffering", "no");
    return reply;
}

}  // namespace espalier::gateway
