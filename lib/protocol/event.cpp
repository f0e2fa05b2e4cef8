#include "protocol/event.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/text.h"
#include "protocol/curve.h"

namespace espalier::protocol {
namespace {

// How control characters that NIP-01 gives no short escape are written.
enum class Controls : std::uint8_t { verbatim, escaped };

// The letter after the backslash in NIP-01's seven escapes, 0 for every other character.
char short_escape(char c) {
    switch (c) {
        case '\n':
            return 'n';
        case '"':
            return '"';
        case '\\':
            return '\\';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        default:
            return 0;
    }
}

bool is_other_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 && short_escape(c) == 0;
}

void append_character(std::string& out, char c, Controls controls) {
    if (const char letter = short_escape(c); letter != 0) {
        out.push_back('\\');
        out.push_back(letter);
    } else if (controls == Controls::escaped && is_other_control(c)) {
        const std::array byte{static_cast<std::byte>(c)};
        base::append_text(out, "\\u00");
        base::append_text(out, base::to_hex(byte));
    } else {
        out.push_back(c);
    }
}

void append_string(std::string& out, std::string_view text, Controls controls) {
    out.push_back('"');
    for (const char c : text) append_character(out, c, controls);
    out.push_back('"');
}

void append_tags(std::string& out, const Tags& tags, Controls controls) {
    out.push_back('[');
    for (std::size_t i = 0; i < tags.size(); ++i) {
        base::append_text(out, i == 0 ? "[" : ",[");
        for (std::size_t j = 0; j < tags[i].size(); ++j) {
            if (j > 0) out.push_back(',');
            append_string(out, tags[i][j], controls);
        }
        out.push_back(']');
    }
    out.push_back(']');
}

base::Digest id_of(const Event& event, Controls controls) {
    std::string out =
        base::text("[0,\"", event.pubkey.hex(), "\",", event.created_at, ',', event.kind, ',');
    append_tags(out, event.tags, controls);
    out.push_back(',');
    append_string(out, event.content, controls);
    out.push_back(']');
    return base::Sha256::of(out);
}

bool has_other_controls(const Event& event) {
    const auto in_text = [](const std::string& text) {
        return std::ranges::any_of(text, is_other_control);
    };
    return in_text(event.content) || std::ranges::any_of(event.tags, [&](const Tag& tag) {
               return std::ranges::any_of(tag, in_text);
           });
}

}  // namespace

base::Result<Event> parse_event(std::string_view json, const EventLimits& limits) {
    auto event = read_event(json, limits);
    if (event) return *std::move(event);
    return base::fail(base::ErrorKind::invalid, std::move(event.error().reason),
                      base::Origin::client);
}

std::string to_json(const Event& event) {
    std::string out =
        base::text("{\"id\":\"", base::to_hex(event.id), "\",\"pubkey\":\"", event.pubkey.hex(),
                   "\",\"created_at\":", event.created_at, ",\"kind\":", event.kind, ",\"tags\":");
    append_tags(out, event.tags, Controls::escaped);
    base::append_text(out, ",\"content\":");
    append_string(out, event.content, Controls::escaped);
    base::append_text(out, base::text(",\"sig\":\"", base::to_hex(event.sig), "\"}"));
    return out;
}

base::Digest event_id(const Event& event) {
    return id_of(event, Controls::verbatim);
}

bool has_valid_id(const Event& event) {
    return event.id == event_id(event) ||
           (has_other_controls(event) && event.id == id_of(event, Controls::escaped));
}

bool has_valid_signature(const Event& event) {
    return verify(event.pubkey, event.id, event.sig);
}

Event sign_event(const SecretKey& key, std::int64_t created_at, int kind, Tags tags,
                 std::string content) {
    Event event{.pubkey = key.public_key(),
                .created_at = created_at,
                .kind = kind,
                .tags = std::move(tags),
                .content = std::move(content)};
    std::array<std::byte, 32> fresh{};
    fill_random(fresh);
    event.id = event_id(event);
    event.sig = sign(key, event.id, fresh);
    return event;
}

std::optional<std::string_view> first_tag(const Event& event, std::string_view name) {
    for (const auto& tag : event.tags)
        if (!tag.empty() && tag[0] == name) return tag.size() > 1 ? tag[1] : std::string_view{};
    return std::nullopt;
}

std::vector<std::string_view> tag_values(const Event& event, std::string_view name) {
    std::vector<std::string_view> values;
    for (const auto& tag : event.tags)
        if (tag.size() > 1 && tag[0] == name) values.emplace_back(tag[1]);
    return values;
}

}  // namespace espalier::protocol
