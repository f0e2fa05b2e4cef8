#include "gateway/blob_reply.h"

#include "base/text.h"
#include "fanout/blob_head.h"

namespace espalier::gateway {

std::string etag_of(const protocol::BlobHash& hash) {
    return base::text('"', hash.hex(), '"');
}

http::Reply blob_reply(int status, const protocol::BlobHash& hash, const fleet::BlobFacts& facts) {
    http::Reply reply(status);
    reply.header("Accept-Ranges", "bytes").header("ETag", etag_of(hash));
    reply.header("Cache-Control", kForEver).header("X-Cache", "DISABLED");
    if (facts.last_modified != 0)
        reply.header("Last-Modified", fanout::http_date(facts.last_modified));
    if (facts.sunset != 0) reply.header("Sunset", fanout::http_date(facts.sunset));
    return reply;
}

}  // namespace espalier::gateway
