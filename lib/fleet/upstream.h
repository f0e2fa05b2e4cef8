// An Upstream is one Blossom server behind us, as the operator described it.
//
// Ids are small, dense and never reused while the process lives: a set of upstreams is the
// bits of one 64-bit word, hence at most 64 of them.
//
// Threads: immutable after construction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/rate.h"
#include "engine/url.h"
#include "protocol/authorizer.h"

namespace espalier::fleet {

using UpstreamId = std::uint8_t;
inline constexpr std::size_t kUpstreamsMax = 64;

// A set of upstreams.
class UpstreamSet {
public:
    constexpr UpstreamSet() = default;
    constexpr explicit UpstreamSet(std::uint64_t bits) : bits_(bits) {}
    constexpr void add(UpstreamId id) { bits_ |= std::uint64_t{1} << id; }
    constexpr void remove(UpstreamId id) { bits_ &= ~(std::uint64_t{1} << id); }
    constexpr bool has(UpstreamId id) const { return (bits_ >> id & 1U) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr int size() const { return __builtin_popcountll(bits_); }
    constexpr std::uint64_t bits() const { return bits_; }
    friend constexpr bool operator==(UpstreamSet, UpstreamSet) = default;

private:
    std::uint64_t bits_ = 0;
};

// What the operator says of an optional endpoint; `unknown` is found out by asking.
enum class Capability : std::uint8_t { unknown, yes, no };

// How an upstream compares `server` tags with its own name (sheet A.14).
enum class ServerTagMatch : std::uint8_t { domain, url, any };

// Which token an upstream is sent.
enum class Auth : std::uint8_t {
    forward,      // the client's
    none,         // none at all: it trusts us
    service_key,  // one of the gateway's own: it knows the gateway as the only user
};

// What an upstream is used for. Deletes go to all of them.
enum class Mode : std::uint8_t {
    rw,      // everything
    ro,      // no uploads
    source,  // ro, and no client is sent there
    drain,   // ro, and clients are sent there only when no other server in good state has the blob
};

std::string_view name_of(Mode mode);

struct Upstream {
    UpstreamId id = 0;
    engine::Url url;
    int priority = 0;        // low wins
    std::string connect_to;  // "host:port" to connect to instead; never shown to clients
    Capability upload_head = Capability::unknown;
    Capability mirror = Capability::unknown;
    protocol::TokenEncoding auth_encoding = protocol::TokenEncoding::std_padded;
    ServerTagMatch server_tag_match = ServerTagMatch::domain;
    std::optional<base::Seconds> max_token_age;
    bool verify_tls = true;
    Auth auth = Auth::forward;
    Mode mode = Mode::rw;
    bool required = false;                        // no upload succeeds without it
    std::uint32_t weight = 1;                     // its share of the redirects
    std::vector<protocol::PublicKey> users = {};  // whose blobs it is sent; empty: everybody's
    std::uint64_t blob_bytes_max = 0;             // 0: no limit
    std::uint64_t quota_bytes = 0;                // of all that is stored there; 0: no limit
    std::size_t in_flight_max = 256;              // uploads, and other requests, at once
    std::shared_ptr<engine::Rate> rate = {};      // of the blobs to and from it; null: no limit
    std::vector<std::string> types_allowed = {};  // "image/png" or "image/*"; empty: all
    std::vector<std::string> types_denied = {};   // stronger than types_allowed

    bool forwards_token() const { return auth == Auth::forward; }
    bool takes_uploads() const { return mode == Mode::rw; }
    // Whether a client may be sent there.
    bool serves_readers() const { return mode != Mode::source; }

    // What clients and operators see: host, with the port when it is not the scheme's own.
    std::string host() const { return url.authority(); }
};

}  // namespace espalier::fleet
