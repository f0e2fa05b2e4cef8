// A Nostr event (NIP-01): a signed note. Blossom uses them as tokens (kind 24242), server
// lists (kind 10063) and reports (kind 1984).
//
// A parsed Event is well-formed, nothing more: its id and signature are claims until
// has_valid_id() and has_valid_signature() say so.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"
#include "protocol/key.h"
#include "protocol/schnorr.h"
#include "protocol/tags.h"

namespace espalier::protocol {

struct Event {
    base::Digest id{};
    PublicKey pubkey;
    std::int64_t created_at = 0;  // unix seconds
    int kind = 0;                 // 0…65535
    Tags tags;
    std::string content;
    Signature sig{};
};

struct EventLimits {
    std::size_t bytes_max = std::size_t{64} * 1024;
    std::size_t tags_max = 1024;
    std::size_t tag_values_max = 64;    // strings in one tag
    std::size_t unknown_keys_max = 16;  // fields that NIP-01 does not know
    std::size_t depth_max = 8;          // arrays and objects inside each other
};

struct EventProblem {
    // A field that stands twice may mean one thing here and another at the next reader.
    bool duplicate_key = false;
    std::string reason;
};

// Strict: every field of NIP-01 once and of its exact type, hex in lower case, numbers
// whole; unknown fields are skipped.
std::expected<Event, EventProblem> read_event(std::string_view json,
                                              const EventLimits& limits = {});
// The same with an Error of kind `invalid`.
base::Result<Event> parse_event(std::string_view json, const EventLimits& limits = {});
// Compact, in NIP-01's order of fields.
std::string to_json(const Event& event);

// The SHA-256 of [0,pubkey,created_at,kind,tags,content] exactly as NIP-01 writes it.
base::Digest event_id(const Event& event);
// True if `id` is event_id(), or the same with the other control characters written as
// \u00xx: NIP-01 wants them verbatim, JSON forbids that, and most clients follow JSON. No
// two events share either text, since a verbatim backslash is always doubled.
bool has_valid_id(const Event& event);
// Whether `pubkey` signed `id`; says nothing about the id itself.
bool has_valid_signature(const Event& event);
// Requires: tags and content are UTF-8.
Event sign_event(const SecretKey& key, std::int64_t created_at, int kind, Tags tags,
                 std::string content);

// The value of the first tag of this name; nothing if there is none, "" if it has no value.
// The view is valid as long as the event is.
std::optional<std::string_view> first_tag(const Event& event, std::string_view name);
// The values of all tags of this name, in order; tags without a value are left out.
std::vector<std::string_view> tag_values(const Event& event, std::string_view name);

}  // namespace espalier::protocol
