#include "gateway/admission.h"

namespace espalier::gateway {

std::expected<Admission, http::Reply> admit(const Parts& parts, const http::Request& request,
                                            protocol::Verb verb,
                                            const std::optional<protocol::BlobHash>& hash) {
    const auto header = request.head.value("Authorization");
    auto checked = parts.authorizer.check(header, verb, hash, own_host(parts.options, request),
                                          parts.network.clock.unix_now());
    if (checked) return Admission{.caller = std::move(*checked), .raw_header = header};
    if (!parts.options.auth_required) return Admission{.caller = {}, .raw_header = header};
    parts.counters.count_refusal(checked.error().why);
    parts.log.info("token refused", {{"request", request.id},
                                     {"verb", protocol::name_of(verb)},
                                     {"why", protocol::name_of(checked.error().why)}});
    return std::unexpected(http::Reply::of(checked.error().error));
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
