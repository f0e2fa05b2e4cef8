#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/text.h"
#include "protocol/mime.h"
#include "support/bytes.h"
#include "support/fake_steps.h"
#include "support/raw_client.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

std::string type_of(const Request& request, const Script& script) {
    const auto& body = *request.body;
    if (script.sniffs_type) {
        const auto magic = protocol::sniff(std::as_bytes(std::span(body)));
        return std::string(magic.empty() ? protocol::kUnknownMime : magic);
    }
    const auto type = request.seen.headers.value("Content-Type");
    return std::string(type.empty() ? protocol::kUnknownMime : type);
}

Answer keep(const std::string& hash, Blob blob, const std::optional<Token>& token, int fresh_status,
            const Place& place) {
    blob.owners.insert(token ? token->pubkey : "");
    blob.lookups_hidden = place.script.lookups_hidden;
    blob.uploaded = base::SystemClock().unix_now();
    const bool fresh = place.books.store(hash, std::move(blob));
    const auto kept = place.books.find(hash);
    if (!kept) return refusal(500, "deleted meanwhile");
    return json_answer(fresh ? fresh_status : place.script.known_status,
                       descriptor(hash, *kept, place));
}

bool is_private(std::string_view host) {
    return host.starts_with("127.") || host.starts_with("10.") || host.starts_with("192.168.") ||
           host == "localhost";
}

struct Origin {
    std::string host;
    std::uint16_t port = 80;
    std::string target;
};

std::optional<Origin> origin_of(std::string_view url) {
    if (!url.starts_with("http://")) return std::nullopt;
    url.remove_prefix(7);
    const auto slash = std::min(url.find('/'), url.size());
    const auto authority = url.substr(0, slash);
    const auto colon = std::min(authority.find(':'), authority.size());
    Origin origin{std::string(authority.substr(0, colon)), 80, std::string(url.substr(slash))};
    if (origin.target.empty()) origin.target = "/";
    if (colon == authority.size()) return origin;
    const auto port = base::parse_number(authority.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
    origin.port = static_cast<std::uint16_t>(*port);
    return origin;
}

Response fetch(std::string url, Interrupt& interrupt) {
    for (int hop = 0; hop < 5; ++hop) {
        const auto origin = origin_of(url);
        if (!origin) return {};
        RawClient client(origin->port, {.host = origin->host,
                                        .patience = base::Seconds(10),
                                        .receive_buffer = 0,
                                        .interrupt = &interrupt});
        if (!client.send_head("GET", origin->target, {{"Connection", "close"}})) return {};
        auto response = client.read_response();
        if (response.status < 300 || response.status > 399) return response;
        url = response.header("Location");
    }
    return {};
}

}  // namespace

Answer upload(const Request& request, const Place& place) {
    const auto& hash = request.seen.body_sha256;
    const auto promised = request.seen.headers.value("X-SHA-256");
    if (!promised.empty() && promised != hash) return refusal(409, "X-SHA-256 does not match");
    if (auto wrong = check_x(request.token, place.script.auth, hash)) return *wrong;
    Blob blob;
    blob.size = request.seen.body_bytes_received;
    blob.type = type_of(request, place.script);
    if (request.body_kept) blob.bytes = request.body;
    return keep(hash, std::move(blob), request.token, place.script.stored_status, place);
}

Answer transform(const Request& request, const Place& place) {
    if (!place.script.has_media) return refusal(404, "no media endpoint");
    if (auto wrong = check_x(request.token, place.script.auth, request.seen.body_sha256))
        return *wrong;
    const auto bytes = std::make_shared<const std::string>(*request.body + " transformed");
    Blob blob;
    blob.size = bytes->size();
    blob.type = type_of(request, place.script);
    blob.bytes = bytes;
    return keep(sha256_hex(*bytes), std::move(blob), request.token, place.script.stored_status,
                place);
}

Answer mirror(const Request& request, const Place& place) {
    const auto wish = Json::parse(*request.body, nullptr, false);
    if (!wish.is_object() || !wish.contains("url") || !wish["url"].is_string())
        return refusal(400, "url missing");
    const auto url = wish["url"].get<std::string>();
    const auto origin = origin_of(url);
    if (!origin) return refusal(400, "bad url");
    if (place.script.mirror_refuses_private && is_private(origin->host))
        return refusal(400, "private address");
    auto fetched = fetch(url, place.interrupt);
    if (fetched.status != 200 || !fetched.complete) return refusal(502, "origin unusable");
    const auto hash = sha256_hex(fetched.body);
    if (check_x(request.token, place.script.auth, hash))
        return refusal(place.script.mirror_mismatch_status, "fetched hash is not in x");
    Blob blob;
    blob.size = fetched.body.size();
    blob.type = fetched.header("Content-Type");
    if (blob.type.empty()) blob.type = protocol::kUnknownMime;
    blob.bytes = std::make_shared<const std::string>(std::move(fetched.body));
    return keep(hash, std::move(blob), request.token, place.script.mirrored_status, place);
}

Answer remove(const Request& request, const Place& place) {
    const auto hash = hash_in(request.seen.path);
    const auto blob = place.books.find(hash);
    if (!blob) return missing(false, place.script);
    if (auto wrong = check_x(request.token, place.script.auth, hash)) return *wrong;
    const auto caller = request.token ? request.token->pubkey : "";
    const bool anyones = blob->owners.empty() || blob->owners.contains("") || !request.token;
    const bool owned = anyones || blob->owners.contains(caller);
    if (!owned && !place.script.foreign_delete_lies) return refusal(403, "not an owner");
    if (anyones)
        place.books.drop(hash);
    else if (owned)
        place.books.remove(hash, caller);
    return json_answer(200, {{"message", "Deleted"}});
}

}  // namespace espalier::test
