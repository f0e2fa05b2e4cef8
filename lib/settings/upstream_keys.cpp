#include "settings/keys.h"

namespace espalier::settings {
namespace {

using U = UpstreamSettings;

Section<U> identity() {
    return {
        "Which server",
        {
            key("url", &U::url, "The server's address. It names the server everywhere.", check_url)
                .with_default("(required)"),
            key("priority", &U::priority,
                "Low wins, with redirect_strategy `priority` and wherever else an order is "
                "needed."),
            key("connect_to", &U::connect_to,
                "Connect to this host:port instead, with the url's Host and TLS name. Never "
                "shown to clients.",
                check_connect_to)
                .with_alias("alternative_address"),
            key("tls_verify", &U::tls_verify, "Whether the server's certificate is verified."),
        }};
}

Section<U> capabilities() {
    return {
        "What it can and may do",
        {
            key("supports_mirror", &U::supports_mirror,
                "Whether it has PUT /mirror (BUD-04). `auto` finds out; anything else is "
                "obeyed."),
            key("supports_upload_head", &U::supports_upload_head,
                "Whether it has HEAD /upload (BUD-06). `auto` finds out; anything else is "
                "obeyed."),
            key("mode", &U::mode,
                "rw = reads and writes; ro = no uploads; source = ro, and no client is sent to "
                "it; drain = ro, and clients are sent to it only when no other server in good "
                "state has the blob. Deletes go to all of them."),
            key("required", &U::required,
                "Whether no upload succeeds without it, however many others take the blob."),
            key("weight", &U::weight,
                "Its share of the downloads with `round_robin` and `random`, beside those of the "
                "other servers.",
                between(1, 1000)),
            list_key("pubkeys", &U::pubkeys,
                     "The users (hex or npub) whose blobs it is sent. Empty = everybody's.",
                     check_pubkey),
            key("max_bytes", &U::max_bytes, "The largest blob it is sent. 0 = no limit."),
            key("quota_bytes", &U::quota_bytes,
                "The most bytes that are stored on it: what the gateway has stored there since "
                "this "
                "key is set, less what it has deleted. 0 = no limit."),
            key("max_inflight", &U::max_inflight,
                "The most uploads that are under way to it at once, and as many other requests "
                "beside them; more wait for their turn.",
                between(1, 100'000)),
            key("rate_up", &U::rate_up,
                "The most bytes a second that uploads send to it, all together. 0 = no limit."),
            key("rate_down", &U::rate_down,
                "The most bytes a second that blobs are fetched from it with, all together; "
                "redirected downloads do not count. 0 = no limit."),
            list_key("mime_allow", &U::mime_allow,
                     "Media types it is sent, such as image/png or image/*. Empty = all. Uploads "
                     "without a Content-Type are application/octet-stream.",
                     check_mime_pattern),
            list_key("mime_deny", &U::mime_deny,
                     "Media types it is never sent; stronger than mime_allow.", check_mime_pattern),
        }};
}

Section<U> tokens() {
    return {"Tokens",
            {
                key("auth", &U::auth,
                    "forward = pass the client's token on; none = send no token, for a private "
                    "server that trusts this gateway: whoever may delete here may delete "
                    "anybody's blobs there; service_key = the gateway signs for its users with its "
                    "own key, for a server that admits nobody else, and remembers whose blobs "
                    "are whose."),
                key("auth_encoding", &U::auth_encoding,
                    "The base64 it understands: std = standard, padded (nearly all servers); "
                    "url = URL alphabet, unpadded (BUD-11)."),
                key("server_tag_match", &U::server_tag_match,
                    "How it compares a token's server tags: domain = its host; url = its full "
                    "url; any = not at all. A token out of its scope is not sent to it."),
                key("max_token_age", &U::max_token_age,
                    "It refuses tokens older than this (route96: 180s). 0 = no limit."),
            }};
}

}  // namespace

std::vector<Section<UpstreamSettings>> upstream_sections() {
    return {identity(), capabilities(), tokens()};
}

std::vector<std::string_view> later_upstream_keys() {
    return {"host_header", "auth_domain", "list_support"};
}

}  // namespace espalier::settings
