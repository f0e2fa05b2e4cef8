// Reads an event from JSON without building a document first: the parser reports each value
// and the reader takes it or refuses the whole.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/text.h"
#include "protocol/event.h"

namespace espalier::protocol {
namespace {

using nlohmann::json;

enum class Field : std::uint8_t { id, pubkey, created_at, kind, tags, content, sig, unknown };

constexpr std::array<std::string_view, 7> kFieldNames{"id",   "pubkey",  "created_at", "kind",
                                                      "tags", "content", "sig"};

class EventReader final : public nlohmann::json_sax<json> {
public:
    explicit EventReader(const EventLimits& limits) : limits_(limits) {}

    // Valid once the parser has accepted the text.
    std::expected<Event, EventProblem> finish() && {
        for (std::size_t i = 0; i < kFieldNames.size(); ++i)
            if (!seen_[i]) refuse(base::text("the event has no ", kFieldNames[i]));
        if (problem_) return std::unexpected(*std::move(problem_));
        return std::move(event_);
    }
    std::expected<Event, EventProblem> fail() && {
        refuse("the event is not valid JSON");
        return std::unexpected(*std::move(problem_));
    }

    bool null() override { return scalar(); }
    bool boolean(bool /*value*/) override { return scalar(); }
    bool number_float(double /*value*/, const std::string& /*text*/) override { return scalar(); }
    bool binary(json::binary_t& /*value*/) override { return scalar(); }
    bool number_integer(std::int64_t value) override {
        return is_top_field() && value >= 0 ? number(static_cast<std::uint64_t>(value)) : scalar();
    }
    bool number_unsigned(std::uint64_t value) override {
        return is_top_field() ? number(value) : scalar();
    }
    bool string(std::string& value) override;
    bool start_object(std::size_t /*size*/) override;
    bool start_array(std::size_t /*size*/) override;
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override;
    bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                     const json::exception& /*what*/) override {
        return false;
    }

private:
    // The first refusal stands. Always false, which stops the parser.
    bool refuse(std::string reason, bool duplicate_key = false) {
        if (!problem_) problem_ = EventProblem{duplicate_key, std::move(reason)};
        return false;
    }
    bool refuse_type() {
        if (field_ == Field::unknown) return refuse("the event is not a JSON object");
        return refuse(base::text("the event's ", kFieldNames[static_cast<std::size_t>(field_)],
                                 " has a wrong type or value"));
    }
    // A value that no known field can have.
    bool scalar() { return is_skipped() || refuse_type(); }
    bool is_skipped() const { return depth_ > 0 && field_ == Field::unknown; }
    bool is_top_field() const { return depth_ == 1 && field_ != Field::unknown; }
    bool open() {
        return ++depth_ <= limits_.depth_max || refuse("the event is nested too deeply");
    }
    bool close() {
        --depth_;
        return true;
    }
    bool number(std::uint64_t value);
    bool pubkey(std::string_view hex);
    bool tag_value(std::string& value);
    bool unknown_key(std::string& name);

    const EventLimits limits_;
    Event event_;
    std::optional<EventProblem> problem_;
    std::size_t depth_ = 0;
    Field field_ = Field::unknown;  // the top-level field whose value is being read
    std::array<bool, kFieldNames.size()> seen_{};
    std::vector<std::string> unknown_keys_;
};

bool EventReader::start_object(std::size_t /*size*/) {
    return depth_ == 0 || is_skipped() ? open() : refuse_type();
}

bool EventReader::start_array(std::size_t /*size*/) {
    if (is_skipped()) return open();
    if (field_ != Field::tags || depth_ == 0 || depth_ > 2) return refuse_type();
    if (depth_ == 2) {
        if (event_.tags.size() == limits_.tags_max) return refuse("the event has too many tags");
        event_.tags.emplace_back();
    }
    return open();
}

bool EventReader::key(std::string& name) {
    if (depth_ != 1) return true;
    const auto* const known = std::ranges::find(kFieldNames, name);
    if (known == kFieldNames.end()) return unknown_key(name);
    const auto index = static_cast<std::size_t>(known - kFieldNames.begin());
    field_ = static_cast<Field>(index);
    if (std::exchange(seen_[index], true))
        return refuse(base::text("the event has more than one ", *known), true);
    return true;
}

bool EventReader::unknown_key(std::string& name) {
    field_ = Field::unknown;
    if (std::ranges::find(unknown_keys_, name) != unknown_keys_.end())
        return refuse("the event has a field twice", true);
    if (unknown_keys_.size() == limits_.unknown_keys_max)
        return refuse("the event has too many unknown fields");
    unknown_keys_.push_back(std::move(name));
    return true;
}

bool EventReader::number(std::uint64_t value) {
    if (field_ == Field::created_at && value <= std::numeric_limits<std::int64_t>::max()) {
        event_.created_at = static_cast<std::int64_t>(value);
        return true;
    }
    if (field_ == Field::kind && value <= std::numeric_limits<std::uint16_t>::max()) {
        event_.kind = static_cast<int>(value);
        return true;
    }
    return refuse_type();
}

bool EventReader::string(std::string& value) {
    if (is_skipped()) return true;
    if (field_ == Field::tags) return tag_value(value);
    if (!is_top_field()) return refuse_type();
    switch (field_) {
        case Field::id:
            return base::from_hex(value, event_.id) || refuse_type();
        case Field::sig:
            return base::from_hex(value, event_.sig) || refuse_type();
        case Field::pubkey:
            return pubkey(value);
        case Field::content:
            event_.content = std::move(value);
            return true;
        default:
            return refuse_type();
    }
}

bool EventReader::pubkey(std::string_view hex) {
    const auto key = PublicKey::parse(hex);
    if (!key) return refuse_type();
    event_.pubkey = *key;
    return true;
}

bool EventReader::tag_value(std::string& value) {
    if (depth_ != 3) return refuse_type();
    auto& tag = event_.tags.back();
    if (tag.size() == limits_.tag_values_max) return refuse("a tag of the event is too long");
    tag.push_back(std::move(value));
    return true;
}

}  // namespace

std::expected<Event, EventProblem> read_event(std::string_view json_text,
                                              const EventLimits& limits) {
    if (json_text.size() > limits.bytes_max)
        return std::unexpected(EventProblem{
            false, base::text("the event is longer than ", limits.bytes_max, " bytes")});
    // The parser would take these for the end and for nothing.
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (json_text.contains('\0') || json_text.starts_with(kByteOrderMark))
        return std::unexpected(EventProblem{false, "the event is not plain JSON"});
    EventReader reader(limits);
    if (!json::sax_parse(json_text, &reader)) return std::move(reader).fail();
    return std::move(reader).finish();
}

}  // namespace espalier::protocol
