#include "base/text.h"
#include "protocol/mime.h"
#include "store/handlers.h"

namespace espalier::store {
namespace {

// Types that a browser would run as a page of our origin.
bool may_carry_script(std::string_view type) {
    const auto essence = type.substr(0, type.find(';'));
    return essence.starts_with("text/html") || essence.ends_with("xml");
}

// A blob never changes: its name is its hash.
void describe(http::Reply& reply, const StoredBlob& blob) {
    reply.header("ETag", base::text('"', blob.hash.hex(), '"'))
        .header("Cache-Control", "public, max-age=31536000, immutable")
        .header("Accept-Ranges", "bytes")
        .header("X-Content-Type-Options", "nosniff");
    if (may_carry_script(blob.type)) reply.header("Content-Security-Policy", "sandbox");
}

}  // namespace

// HEAD knows no ranges (RFC 9110 section 14.2), so it gets a length instead of a file.
http::Reply StoreHandlers::get_blob(const http::Request& request, const Hash& hash) const {
    auto opened = folder_.open_blob(hash);
    if (!opened) return refusal(opened.error());
    const auto& blob = opened->blob;
    http::Reply reply;
    describe(reply, blob);
    if (request.head.method == "HEAD") {
        reply.header("Content-Type", blob.type).length(blob.size);
        return reply;
    }
    reply.file({.file = std::make_shared<base::Fd>(std::move(opened->file)), .size = blob.size},
               blob.type);
    return reply;
}

}  // namespace espalier::store
