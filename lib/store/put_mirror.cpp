#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "protocol/mime.h"
#include "store/handlers.h"

namespace espalier::store {
namespace {

using base::ErrorKind;
using protocol::BlobHash;

constexpr std::size_t kRequestBytesMax = std::size_t{8} * 1024;

http::Reply refuse(ErrorKind kind, std::string reason) {
    return http::Reply::of(
        {.kind = kind, .reason = std::move(reason), .origin = base::Origin::client});
}

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

// The "url" of the request; "" when the body is not what BUD-04 wants.
std::string url_of(const std::string& body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object()) return {};
    const auto url = json.find("url");
    return url != json.end() && url->is_string() ? url->get<std::string>() : std::string();
}

// The URL's path, without query and fragment.
std::string_view path_of(std::string_view url) {
    return url.substr(0, url.find_first_of("?#"));
}

// The last run of exactly 64 hex digits (BUD-03): what the URL says the blob is called.
std::optional<BlobHash> hash_in(std::string_view url) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    const auto path = path_of(url);
    for (auto end = path.find_last_of(kHexDigits); end != std::string_view::npos;) {
        const auto before = path.find_last_not_of(kHexDigits, end);
        const auto start = before == std::string_view::npos ? 0 : before + 1;
        if (auto hash = BlobHash::parse(path.substr(start, end + 1 - start))) return hash;
        if (before == std::string_view::npos) break;
        end = path.find_last_of(kHexDigits, before);
    }
    return std::nullopt;
}

std::string extension_in(std::string_view url) {
    const auto path = path_of(url);
    const auto dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string() : std::string(path.substr(dot + 1));
}

// BUD-04: the origin's Content-Type, else what the bytes show, else the URL's extension.
std::string type_of(const std::string& declared, const Incoming& incoming, std::string_view url) {
    if (!declared.empty()) return protocol::clean_mime(declared);
    const auto guessed = protocol::sniff(incoming.first_bytes());
    return std::string(guessed.empty() ? protocol::mime_of(extension_in(url)) : guessed);
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
    const auto body = request.body.read_all(kRequestBytesMax, deadline);
    if (!body) return refusal(body.error());
    const auto url = url_of(*body);
    if (url.empty()) return refuse(ErrorKind::invalid, R"(the body must be {"url": "…"})");

    auto incoming = folder_.receive();
    if (!incoming) return refusal(incoming.error());
    IncomingSink sink(*incoming, options_.max_upload_bytes);
    const auto fetched = options_.fetch(url, sink, deadline);
    if (!fetched) return refusal(fetched.error());
    const auto hash = incoming->finish();
    if (!hash) return refusal(hash.error());
    if (const auto named = hash_in(url); named && *named != *hash) {
        return refuse(ErrorKind::upstream, "the origin sent bytes of another hash than its URL's");
    }
    const auto allowed = may_keep(*caller, *hash, options_.auth.require_x);
    if (!allowed) return refusal(allowed.error());
    auto type = type_of(sink.type(), *incoming, url);
    return keep(request, std::move(*incoming), *hash, std::move(type), *caller);
}

}  // namespace espalier::store
