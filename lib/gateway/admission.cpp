#include "gateway/admission.h"

#include "base/text.h"
#include "gateway/targets.h"

namespace espalier::gateway {
namespace {

// Bytes that count as the client's: those of uploads.
std::uint64_t bytes_of(const http::Head& head, protocol::Verb verb) {
    return verb == protocol::Verb::upload && head.method == "PUT" ? head.content_length.value_or(0)
                                                                  : 0;
}

}  // namespace

std::expected<Admission, http::Reply> admit(const Parts& parts, const http::Request& request,
                                            protocol::Verb verb,
                                            const std::optional<protocol::BlobHash>& hash) {
    const auto header = request.head.value("Authorization");
    auto checked = parts.authorizer.check(header, verb, hash, own_host(parts.options, request),
                                          parts.network.clock.unix_now());
    if (checked) {
        const auto wait =
            parts.rates.take(checked->pubkey, bytes_of(request.head, verb), base::Steady::now());
        if (wait) return std::unexpected(too_much(parts, "key", *wait));
        return Admission{.caller = std::move(*checked), .raw_header = header};
    }
    if (!parts.options.auth_required) return Admission{.caller = {}, .raw_header = header};
    parts.counters.count_refusal(checked.error().why);
    parts.log.info("token refused", {{"request", request.id},
                                     {"verb", protocol::name_of(verb)},
                                     {"why", protocol::name_of(checked.error().why)}});
    return std::unexpected(http::Reply::of(checked.error().error));
}

std::string owner_of(const Admission& admission) {
    return admission.caller ? admission.caller->pubkey.hex() : std::string();
}

http::Reply too_much(const Parts& parts, std::string_view whom, base::Seconds wait) {
    parts.counters.count_rate_limited();
    auto reply = http::Reply::of(
        {.kind = base::ErrorKind::throttled,
         .reason = base::text("too much from this ", whom, ": try again in ", wait.count(), " s"),
         .origin = base::Origin::client});
    reply.header("Retry-After", base::text(wait.count()));
    return reply;
}

std::string own_host(const Options& options, const http::Request& request) {
    return options.base_url.empty() ? request.host : options.base_url;
}

std::string own_url(const Options& options, const http::Request& request) {
    if (options.base_url.empty()) return request.origin();
    std::string url = options.base_url;
    while (url.ends_with('/')) url.pop_back();
    return url;
}

bool leads_here(const Options& options, const http::Request& request, const engine::Url& url) {
    const auto own = engine::Url::parse(own_url(options, request));
    return own && own->authority() == url.authority();
}

std::string authorization_for_blob(const Parts& parts, const fleet::Upstream& upstream,
                                   const Admission& admission, protocol::Verb verb,
                                   const std::optional<protocol::BlobHash>& hash) {
    if (upstream.auth != fleet::Auth::service_key)
        return authorization_for(upstream, admission.caller, admission.raw_header);
    return parts.service_key.token(upstream, verb, *hash, parts.network.clock.unix_now());
}

base::Result<std::optional<protocol::BlobHash>> promised_hash(const http::Head& head) {
    const auto header = head.header("X-SHA-256");
    if (!header) return std::nullopt;
    const auto hash = protocol::BlobHash::parse(*header);
    if (!hash)
        return base::fail(base::ErrorKind::invalid,
                          "X-SHA-256 must be 64 lower-case hexadecimal digits",
                          base::Origin::client);
    return hash;
}

}  // namespace espalier::gateway
