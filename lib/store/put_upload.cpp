#include <utility>
#include <vector>

#include "base/text.h"
#include "protocol/mime.h"
#include "store/handlers.h"
#include "store/pace.h"

namespace espalier::store {
namespace {

using base::ErrorKind;
using protocol::BlobHash;

constexpr std::size_t kReadBytes = std::size_t{128} * 1024;

std::unexpected<base::Error> refuse(ErrorKind kind, std::string reason) {
    return base::fail(kind, std::move(reason), base::Origin::client);
}

// What X-SHA-256 promises; nothing when the header is absent.
base::Result<std::optional<BlobHash>> promised_hash(const http::Head& head) {
    const auto text = head.header("X-SHA-256");
    if (!text) return std::nullopt;
    const auto hash = BlobHash::parse(*text);
    if (!hash) return refuse(ErrorKind::invalid, "X-SHA-256 must be 64 lower-case hex digits");
    return hash;
}

base::Result<void> check_length(std::optional<std::uint64_t> length, std::uint64_t most,
                                std::string_view header) {
    if (!length) {
        return refuse(ErrorKind::length_required, base::text(header, " must say how long it is"));
    }
    if (*length <= most) return {};
    return refuse(ErrorKind::too_large, base::text("a blob may have ", most, " bytes here"));
}

std::unexpected<base::Error> broken_off(http::Body::Status status) {
    switch (status) {
        case http::Body::Status::timeout:
            return refuse(ErrorKind::slow_client, "the body came too slowly");
        case http::Body::Status::too_large:
            return refuse(ErrorKind::too_large, "the body is larger than a blob may be here");
        default:
            return refuse(ErrorKind::invalid, "the body ended before its declared length");
    }
}

std::string type_of(const http::Head& head, const Incoming& incoming) {
    const auto declared = head.value("Content-Type");
    if (!declared.empty()) return protocol::clean_mime(declared);
    const auto guessed = protocol::sniff(incoming.first_bytes());
    return std::string(guessed.empty() ? protocol::kUnknownMime : guessed);
}

}  // namespace

base::Result<Incoming> StoreHandlers::receive(http::Request& request) const {
    auto incoming = folder_.receive();
    if (!incoming) return incoming;
    const auto deadline = base::Deadline::after(options_.upload_timeout);
    Pace pace(options_.upload_rate_max);
    std::vector<std::byte> buffer(pace.portion(kReadBytes));
    for (;;) {
        const auto read = request.body.read(buffer, nullptr, deadline);
        if (read.status == http::Body::Status::end) return incoming;
        if (read.status != http::Body::Status::bytes) return broken_off(read.status);
        auto written = incoming->append(std::span(buffer).first(read.count));
        if (!written) return std::unexpected(std::move(written).error());
        pace.spend(read.count);
    }
}

// Everything that can be refused is refused before the body is read.
http::Reply StoreHandlers::put_upload(http::Request& request) {
    const auto promised = promised_hash(request.head);
    if (!promised) return refusal(promised.error());
    const auto caller =
        caller_of(request, protocol::Verb::upload, *promised, signature_for_writes());
    if (!caller) return refusal(caller.error());
    const auto length = request.head.chunked ? std::nullopt : request.head.content_length;
    const auto fits = check_length(length, options_.max_upload_bytes, "Content-Length");
    if (!fits) return refusal(fits.error());

    auto incoming = receive(request);
    if (!incoming) return refusal(incoming.error());
    const auto hash = incoming->finish();
    if (!hash) return refusal(hash.error());
    if (*promised && **promised != *hash) {
        return http::Reply::of({.kind = ErrorKind::conflict,
                                .reason = "the body's hash is not the one in X-SHA-256",
                                .origin = base::Origin::client});
    }
    if (*caller) {
        const auto allowed =
            protocol::check_hash(**caller, protocol::Verb::upload, *hash, options_.auth.require_x);
        if (!allowed) return refusal(allowed.error());
    }
    auto type = type_of(request.head, *incoming);
    return keep(request, std::move(*incoming), *hash, std::move(type), *caller);
}

// BUD-06. A missing X-SHA-256 is no reason to refuse: nothing here depends on it.
http::Reply StoreHandlers::head_upload(const http::Request& request) const {
    const auto promised = promised_hash(request.head);
    if (!promised) return refusal(promised.error());
    const auto caller =
        caller_of(request, protocol::Verb::upload, *promised, signature_for_writes());
    if (!caller) return refusal(caller.error());
    const auto text = request.head.header("X-Content-Length");
    const auto length = text ? base::parse_number(*text) : std::nullopt;
    if (text && !length) {
        return http::Reply::of({.kind = ErrorKind::invalid,
                                .reason = "X-Content-Length must be a number",
                                .origin = base::Origin::client});
    }
    const auto fits = check_length(length, options_.max_upload_bytes, "X-Content-Length");
    return fits ? http::Reply(200) : refusal(fits.error());
}

}  // namespace espalier::store
