// A Url is an absolute http or https URL, parsed once by libcurl's own parser, so that what
// we decide on (host, port) and what is fetched can never differ.
//
// Limits: 8 KiB; user-info, control bytes, spaces, backslashes and non-ASCII are refused.
// A fragment is dropped: it never leaves a client.
// Threads: a value; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace espalier::engine {

class Url {
public:
    // Errors: invalid, with the reason naming what is wrong.
    static base::Result<Url> parse(std::string_view text);

    const std::string& scheme() const { return scheme_; }  // "http" or "https"
    const std::string& host() const { return host_; }      // lower case; [v6] in brackets
    std::uint16_t port() const { return port_; }           // explicit or the scheme's default
    bool has_default_port() const;
    // "host" or "host:port" when the port is not the scheme's default: a Host header's value.
    std::string authority() const;
    const std::string& path() const { return path_; }    // begins with '/'
    const std::string& query() const { return query_; }  // without '?'; "" = none
    // "scheme://authority", no trailing slash: an upstream's identity.
    std::string origin() const;
    // The same server and base path with `path` ("/abc") appended to the base path without a
    // doubled slash, and no query. Bytes that cannot stand in a path are percent-encoded.
    Url with_path(std::string_view path) const;
    // The same with this query, "a=1&b=2" without '?', percent-encoded where needed; "" = none.
    Url with_query(std::string_view query) const;
    // What a Location header means when it came from here (RFC 3986 section 5).
    // Errors: invalid.
    base::Result<Url> resolve(std::string_view reference) const;
    std::string text() const;

    friend bool operator==(const Url&, const Url&) = default;

private:
    std::string scheme_, host_, path_, query_;
    std::uint16_t port_ = 0;
};

}  // namespace espalier::engine
