#include "store/handlers.h"

#include <utility>

#include "base/text.h"
#include "protocol/blob_path.h"
#include "protocol/descriptor.h"
#include "protocol/mime.h"
#include "protocol/mirror_request.h"

namespace espalier::store {
namespace {

using base::ErrorKind;
using http::refuse;

http::Reply wrong_method(std::string_view allowed) {
    http::Reply reply = http::Reply::json(405, R"({"message":"this method is not for this path"})");
    return std::move(reply.header("Allow", allowed).reason("this method is not for this path"));
}

constexpr std::string_view kListPrefix = "/list/";

bool is_read(const http::Head& head) {
    return head.method == "GET" || head.method == "HEAD";
}

http::Reply front_page() {
    http::Reply reply;
    return std::move(reply.body("A Blossom server.\n", "text/plain; charset=utf-8"));
}

}  // namespace

StoreHandlers::StoreHandlers(BlobFolder& folder, const Options& options, const base::Clock& clock,
                             base::Log& log)
    : folder_(folder), options_(options), clock_(clock), log_(log), authorizer_(options.auth) {}

bool StoreHandlers::instant(const http::Head& head, std::string_view /*peer*/,
                            http::InstantReply& reply) {
    if (head.method != "OPTIONS") return false;
    http::preflight(reply);
    return true;
}

// Uploads may take every worker: a gateway in front would rather wait than be refused.
http::Lane StoreHandlers::lane(const http::Head& /*head*/) const {
    return http::Lane::ordinary;
}

std::uint64_t StoreHandlers::body_bytes_max(const http::Head& head) const {
    return head.path == "/mirror" ? protocol::kMirrorRequestBytesMax : options_.max_upload_bytes;
}

http::Reply StoreHandlers::handle(http::Request& request) {
    const auto& head = request.head;
    if (head.method == "OPTIONS") return http::preflight();
    if (head.path == "/upload") {
        if (head.method == "PUT") return put_upload(request);
        return head.method == "HEAD" ? head_upload(request) : wrong_method("HEAD, PUT, OPTIONS");
    }
    if (head.path == "/mirror") {
        return head.method == "PUT" ? put_mirror(request) : wrong_method("PUT, OPTIONS");
    }
    if (head.path.starts_with(kListPrefix)) {
        if (!is_read(head)) return wrong_method("GET, HEAD, OPTIONS");
        return get_list(request, head.path.substr(kListPrefix.size()));
    }
    if (head.path == "/") return is_read(head) ? front_page() : wrong_method("GET, HEAD, OPTIONS");
    return blob(request);
}

http::Reply StoreHandlers::blob(const http::Request& request) {
    const auto path = protocol::parse_blob_path(request.head.path);
    if (!path && path.error() == protocol::PathError::bad_hash) {
        return refuse(ErrorKind::invalid, "a blob's hash is written in lower-case digits");
    }
    if (!path) return refuse(ErrorKind::missing, "there is nothing at this path");
    if (is_read(request.head)) return get_blob(request, path->hash);
    if (request.head.method == "DELETE") return delete_blob(request, path->hash);
    return wrong_method("GET, HEAD, DELETE, OPTIONS");
}

http::Reply StoreHandlers::refusal(const base::Error& error) const {
    const bool ours = error.kind == ErrorKind::storage || error.kind == ErrorKind::internal;
    if (!ours) return http::Reply::of(error);
    log_.error("a request failed", {{"why", error.reason}});
    return http::Reply::of({.kind = error.kind, .reason = "the server cannot do this now"});
}

base::Result<StoreHandlers::MaybeCaller> StoreHandlers::caller_of(const http::Request& request,
                                                                  protocol::Verb verb,
                                                                  const std::optional<Hash>& hash,
                                                                  Signature need) const {
    const auto header = request.head.value("Authorization");
    if (header.empty() && need == Signature::optional) return MaybeCaller();
    const auto& own_host = options_.base_url.empty() ? request.host : options_.base_url;
    auto caller = authorizer_.check(header, verb, hash, own_host, clock_.unix_now());
    if (!caller) return std::unexpected(std::move(caller).error().error);
    return MaybeCaller(std::move(*caller));
}

std::string StoreHandlers::descriptor_json(const http::Request& request,
                                           const StoredBlob& blob) const {
    const auto origin = options_.base_url.empty() ? request.origin() : options_.base_url;
    const auto url = base::text(origin, origin.ends_with('/') ? "" : "/", blob.hash.hex(), ".",
                                protocol::extension_of(blob.type));
    return protocol::to_json({.url = url,
                              .sha256 = blob.hash,
                              .size = blob.size,
                              .type = blob.type,
                              .uploaded = blob.uploaded,
                              .nip94 = protocol::nip94_tags({url}, blob.hash, blob.type, blob.size,
                                                            protocol::Nip94Urls::both),
                              .mirrors = {}});
}

http::Reply StoreHandlers::keep(const http::Request& request, Incoming incoming, const Hash& hash,
                                std::string type, const MaybeCaller& caller) {
    const auto owner = caller ? std::optional(caller->pubkey) : std::nullopt;
    const StoredBlob blob{
        .hash = hash, .size = 0, .type = std::move(type), .uploaded = clock_.unix_now()};
    auto kept = folder_.keep(std::move(incoming), blob, owner);
    if (!kept) return refusal(kept.error());
    return http::Reply::json(kept->fresh ? 201 : 200, descriptor_json(request, kept->blob));
}

}  // namespace espalier::store
