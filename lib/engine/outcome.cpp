#include "engine/outcome.h"

#include <curl/curl.h>

#include "base/text.h"

namespace espalier::engine {
namespace {

using base::ErrorKind;

constexpr std::size_t kDetailBytesMax = 200;

struct Meaning {
    ErrorKind kind;
    std::string_view words;  // after the upstream's name
};

Meaning meaning_of(int code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return {.kind = ErrorKind::refused, .words = " has no address that we can find"};
        case CURLE_COULDNT_CONNECT:
            return {.kind = ErrorKind::refused, .words = " does not accept connections"};
        case CURLE_OPERATION_TIMEDOUT:  // we set no other of curl's timeouts
            return {.kind = ErrorKind::timeout, .words = " took too long to connect to"};
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_USE_SSL_FAILED:
        case CURLE_SSL_ENGINE_INITFAILED:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_SHUTDOWN_FAILED:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_CLIENTCERT:
            return {.kind = ErrorKind::tls, .words = " cannot be reached securely"};
        case CURLE_GOT_NOTHING:
            return {.kind = ErrorKind::reset, .words = " closed the connection without an answer"};
        case CURLE_PARTIAL_FILE:
            return {.kind = ErrorKind::reset,
                    .words = " closed the connection before its answer was whole"};
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_FAIL_REWIND:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return {.kind = ErrorKind::reset, .words = " broke the connection"};
        case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_FILESIZE_EXCEEDED:
            return {.kind = ErrorKind::upstream, .words = " did not answer in proper HTTP"};
        default:
            return {.kind = ErrorKind::internal, .words = " could not be asked"};
    }
}

}  // namespace

std::optional<base::Error> error_of(int curl_code, const std::string& authority,
                                    std::string_view detail, bool began) {
    if (curl_code == CURLE_OK) return std::nullopt;
    const auto [kind, words] = meaning_of(curl_code);
    auto reason = base::text(authority, words);
    if ((kind == ErrorKind::tls || kind == ErrorKind::internal) && !detail.empty())
        reason += base::text(": ", base::one_line(detail, kDetailBytesMax));
    const bool never_asked = !began && (kind == ErrorKind::refused || kind == ErrorKind::timeout ||
                                        kind == ErrorKind::reset);
    const auto origin =
        kind == ErrorKind::internal ? base::Origin::internal : base::Origin::upstream;
    return base::Error{
        .kind = kind, .reason = std::move(reason), .origin = origin, .retryable = never_asked};
}

}  // namespace espalier::engine
