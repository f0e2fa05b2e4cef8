// A Descriptor is what a Blossom server says about a blob it holds (BUD-02, BUD-08).
//
// Read tolerantly (upstreams differ), written strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/blob_hash.h"
#include "protocol/tags.h"

namespace espalier::protocol {

inline constexpr std::size_t kDescriptorBytesMax = std::size_t{64} * 1024;

// Where else the gateway has put the blob; ours alone, not in any BUD.
struct Mirror {
    std::string url;
    std::string status;
};

struct Descriptor {
    std::string url;
    BlobHash sha256;
    std::uint64_t size = 0;  // bytes
    std::string type;
    std::int64_t uploaded = 0;  // unix seconds
    Tags nip94;
    std::vector<Mirror> mirrors;
};

// Requires an object with a `sha256`; every other field may be missing or of a wrong type
// and is then empty or 0, unknown ones are ignored. Errors: `invalid`, or `too_large` above
// kDescriptorBytesMax.
base::Result<Descriptor> parse_descriptor(std::string_view json);
// Compact JSON; nip94 and mirrors are left out when empty. Bytes that are not UTF-8 become
// U+FFFD.
std::string to_json(const Descriptor& descriptor);

// How the replicas of a blob are named in its nip94 tags.
enum class Nip94Urls : std::uint8_t {
    both,      // one `url` per replica, then a `fallback` for each but the first
    multi,     // one `url` per replica
    fallback,  // one `url`, then a `fallback` for each of the others (NIP-94 to the letter)
};

// NIP-94 tags: url…, fallback…, m, x, ox, size. `urls` are the replicas, the canonical one
// first. `original` is the hash before a server transformed the blob (BUD-05).
Tags nip94_tags(const std::vector<std::string>& urls, const BlobHash& hash, std::string_view mime,
                std::uint64_t size, Nip94Urls mode,
                std::optional<BlobHash> original = std::nullopt);

}  // namespace espalier::protocol
