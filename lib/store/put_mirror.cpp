#include <algorithm>
#include <utility>

#include "base/text.h"
#include "protocol/mime.h"
#include "protocol/mirror_request.h"
#include "store/handlers.h"

namespace espalier::store {
namespace {

using base::ErrorKind;
using http::refuse;
using protocol::BlobHash;

// Writes what is fetched into an Incoming, up to the size that a blob may have.
class IncomingSink : public FetchSink {
public:
    IncomingSink(Incoming& incoming, std::uint64_t bytes_max)
        : incoming_(incoming), bytes_max_(bytes_max) {}

    base::Result<void> begin(const FetchedHead& head) override {
        type_ = head.content_type;
        return head.length.value_or(0) > bytes_max_ ? too_large() : base::Result<void>();
    }
    base::Result<void> append(std::span<const std::byte> bytes) override {
        if (incoming_.size() + bytes.size() > bytes_max_) return too_large();
        return incoming_.append(bytes);
    }
    const std::string& type() const { return type_; }

private:
    std::unexpected<base::Error> too_large() const {
        return base::fail(ErrorKind::too_large,
                          base::text("a blob may have ", bytes_max_, " bytes here"));
    }

    Incoming& incoming_;
    const std::uint64_t bytes_max_;
    std::string type_;
};

// BUD-04: the origin's Content-Type, else what the bytes show, else the URL's extension.
std::string type_of(const std::string& declared, const Incoming& incoming, std::string_view url) {
    if (!declared.empty()) return protocol::clean_mime(declared);
    const auto guessed = protocol::sniff(incoming.first_bytes());
    return std::string(guessed.empty() ? protocol::mime_of(protocol::extension_in_url(url))
                                       : guessed);
}

// BUD-04 wants 409 for a blob that the token does not name.
base::Result<void> may_keep(const std::optional<protocol::Caller>& caller, const BlobHash& hash,
                            protocol::RequireX require_x) {
    if (!caller) return {};
    if (caller->has_x && std::ranges::find(caller->hashes, hash) == caller->hashes.end()) {
        return base::fail(ErrorKind::conflict, "the fetched blob is not in the token's x tags",
                          base::Origin::client);
    }
    return protocol::check_hash(*caller, protocol::Verb::upload, hash, require_x);
}

}  // namespace

http::Reply StoreHandlers::put_mirror(http::Request& request) {
    if (!options_.fetch) return refuse(ErrorKind::not_implemented, "this server does not mirror");
    const auto caller =
        caller_of(request, protocol::Verb::upload, std::nullopt, signature_for_writes());
    if (!caller) return refusal(caller.error());
    const auto deadline = base::Deadline::after(options_.mirror_timeout);
    const auto body = request.body.read_all(protocol::kMirrorRequestBytesMax, deadline);
    if (!body) return refusal(body.error());
    const auto url = protocol::mirror_url(*body).value_or("");
    if (url.empty()) return refuse(ErrorKind::invalid, R"(the body must be {"url": "…"})");

    auto incoming = folder_.receive();
    if (!incoming) return refusal(incoming.error());
    IncomingSink sink(*incoming, options_.max_upload_bytes);
    const auto fetched = options_.fetch(url, sink, deadline);
    if (!fetched) return refusal(fetched.error());
    const auto hash = incoming->finish();
    if (!hash) return refusal(hash.error());
    if (const auto named = protocol::hash_in_url(url); named && *named != *hash) {
        return refuse(ErrorKind::upstream, "the origin sent bytes of another hash than its URL's");
    }
    const auto allowed = may_keep(*caller, *hash, options_.auth.require_x);
    if (!allowed) return refusal(allowed.error());
    auto type = type_of(sink.type(), *incoming, url);
    return keep(request, std::move(*incoming), *hash, std::move(type), *caller);
}

}  // namespace espalier::store
