#include "protocol/event.h"

#include <random>

#include <doctest/doctest.h>

#include "base/hex.h"
#include "fixture.h"

namespace espalier::protocol {
namespace {

bool same(const Event& a, const Event& b) {
    return a.id == b.id && a.pubkey == b.pubkey && a.created_at == b.created_at &&
           a.kind == b.kind && a.tags == b.tags && a.content == b.content && a.sig == b.sig;
}

std::string zeros(std::size_t count) {
    return std::string(count, '0');
}

// A well-formed event with one field's text replaced, or an addition before its end.
std::string event_with(std::string_view field = "", std::string_view text = "",
                       std::string_view addition = "") {
    std::string out = "{";
    const auto add = [&](std::string_view name, const std::string& standard) {
        if (out.size() > 1) out += ',';
        out += base::text('"', name, "\":", name == field ? std::string(text) : standard);
    };
    add("id", '"' + zeros(64) + '"');
    add("pubkey", '"' + zeros(64) + '"');
    add("created_at", "1");
    add("kind", "1");
    add("tags", "[]");
    add("content", "\"\"");
    add("sig", '"' + zeros(128) + '"');
    return base::text(out, addition, '}');
}

EventProblem problem_of(std::string_view json, const EventLimits& limits = {}) {
    CAPTURE(json);
    auto event = read_event(json, limits);
    REQUIRE_FALSE(event);
    CHECK_FALSE(event.error().reason.empty());
    return event.error();
}

bool is_refused(std::string_view field, std::string_view text) {
    CAPTURE(field);
    const auto problem = problem_of(event_with(field, text));
    return !problem.duplicate_key;
}

}  // namespace

TEST_CASE("events that nostr-tools signed are valid here") {
    const auto events = nostr_tools_events();
    REQUIRE(events.size() == 11);
    for (const auto& json : events) {
        CAPTURE(json);
        const auto event = parse_event(json);
        REQUIRE(event);
        CHECK(has_valid_id(*event));
        CHECK(has_valid_signature(*event));
    }
}

TEST_CASE("an event survives being written and read") {
    for (const auto& json : nostr_tools_events()) {
        CAPTURE(json);
        const auto event = parse_event(json);
        REQUIRE(event);
        const auto again = parse_event(to_json(*event));
        REQUIRE(again);
        CHECK(same(*event, *again));
    }
}

TEST_CASE("the id is the hash of exactly what NIP-01 says") {
    const Event event{.created_at = 5,
                      .kind = 7,
                      .tags = {{"a", "b\"c"}, {}, {"d"}},
                      .content = "\n\"\\\r\t\b\f/\x01\x7f\xc3\xa9"};
    const auto serialised =
        base::text("[0,\"", zeros(64),
                   "\",5,7,[[\"a\",\"b\\\"c\"],[],[\"d\"]],\"\\n\\\"\\\\\\r\\t\\b\\f/\x01\x7f\xc3"
                   "\xa9\"]");
    CHECK(event_id(event) == base::Sha256::of(serialised));
}

TEST_CASE("an id over control characters is valid in the spec's and in the clients' way") {
    auto event = sign_event(some_key(), 1, 1, {{"c", "\x1f"}}, "\x01");
    CHECK(has_valid_id(event));
    event.id = base::Sha256::of(
        base::text("[0,\"", event.pubkey.hex(), R"(",1,1,[["c","\u001f"]],"\u0001"])"));
    CHECK(has_valid_id(event));
    event.id = base::Sha256::of(
        base::text("[0,\"", event.pubkey.hex(), R"(",1,1,[["c","\u001F"]],"\u0001"])"));
    CHECK_FALSE(has_valid_id(event));
}

TEST_CASE("an event signed here is valid") {
    const auto event = sign_event(some_key(), 1700000000, 24242, {{"t", "get"}}, "hé \"x\"\n");
    CHECK(event.pubkey == some_key().public_key());
    CHECK(has_valid_id(event));
    CHECK(has_valid_signature(event));
}

TEST_CASE("a change of any field breaks the id, a change of the id breaks the signature") {
    const auto good = sign_event(some_key(), 10, 1, {{"t", "a"}}, "text");
    const auto breaks_id = [&](auto change) {
        auto event = good;
        change(event);
        return !has_valid_id(event);
    };
    CHECK(breaks_id([](Event& event) { event.created_at++; }));
    CHECK(breaks_id([](Event& event) { event.kind++; }));
    CHECK(breaks_id([](Event& event) { event.tags[0][1] = "b"; }));
    CHECK(breaks_id([](Event& event) { event.tags.emplace_back(); }));
    CHECK(breaks_id([](Event& event) { event.content += ' '; }));
    CHECK(breaks_id([](Event& event) { event.pubkey = PublicKey{}; }));
    auto event = good;
    event.id[0] ^= std::byte{1};
    CHECK_FALSE(has_valid_signature(event));
}

TEST_CASE("the smallest event is read") {
    const auto event = parse_event(event_with());
    REQUIRE(event);
    CHECK(event->created_at == 1);
    CHECK(event->kind == 1);
    CHECK(parse_event(" \n" + event_with() + "\t "));
}

TEST_CASE("a field of a wrong type or value is refused") {
    for (const std::string_view field : {"id", "pubkey", "sig"}) {
        const std::size_t digits = field == "sig" ? 128 : 64;
        for (const auto& text :
             {'"' + zeros(digits - 1) + '"', '"' + zeros(digits + 1) + '"',
              '"' + zeros(digits - 1) + "A\"", '"' + zeros(digits - 1) + "g\"", std::string("\"\""),
              std::string("null"), std::string("0"), "[\"" + zeros(digits) + "\"]",
              "{\"x\":\"" + zeros(digits) + "\"}"})
            CHECK(is_refused(field, text));
    }
    for (const std::string_view text : {"-1", "1.0", "1e3", "\"1\"", "null", "true", "[1]", "{}",
                                        "9223372036854775808", "99999999999999999999"})
        CHECK(is_refused("created_at", text));
    for (const std::string_view text : {"-1", "65536", "1.5", "\"1\"", "null", "false", "[]"})
        CHECK(is_refused("kind", text));
    for (const std::string_view text :
         {"null", "\"\"", "1", "{}", "[\"t\"]", "[1]", "[null]", "[{}]", "[[1]]", "[[null]]",
          "[[[]]]", "[[{}]]", "[[[\"t\"]]]", "[[true]]", "[[1.5]]", "[[-1]]"})
        CHECK(is_refused("tags", text));
    for (const std::string_view text : {"null", "1", "[]", "{}", "[\"x\"]", "true"})
        CHECK(is_refused("content", text));
}

TEST_CASE("numbers at the edge of their range are taken") {
    CHECK(parse_event(event_with("created_at", "9223372036854775807")));
    CHECK(parse_event(event_with("created_at", "0")));
    CHECK(parse_event(event_with("kind", "65535")));
}

TEST_CASE("a missing field is named") {
    for (const std::string_view field :
         {"id", "pubkey", "created_at", "kind", "tags", "content", "sig"}) {
        auto json = event_with();
        const auto at = json.find(base::text('"', field, '"'));
        json.replace(at + 1, field.size(), "other");
        CHECK(problem_of(json).reason.find(field) != std::string::npos);
    }
}

TEST_CASE("a field that stands twice is refused, known or not, however it is written") {
    CHECK(problem_of(event_with("", "", R"(,"kind":1)")).duplicate_key);
    CHECK(problem_of(event_with("", "", R"(,"tags":[])")).duplicate_key);
    CHECK(problem_of(event_with("", "", R"(,"\u006bind":24242)")).duplicate_key);
    CHECK(problem_of(event_with("", "", R"(,"ots":1,"ots":1)")).duplicate_key);
    CHECK(parse_event(event_with("", "", R"(,"ots":1,"Kind":1)")));
}

TEST_CASE("unknown fields are skipped, whatever they hold") {
    const auto event = parse_event(event_with(
        "", "",
        R"(,"a":null,"b":[1,-2,3.5,true,{"id":"x","kind":[]}],"c":{"kind":1,"tags":[[1]]},"d":"s")"));
    REQUIRE(event);
    CHECK(event->kind == 1);
    CHECK(event->tags.empty());
}

TEST_CASE("what is no JSON object is no event") {
    for (const std::string_view json : {"", " ", "null", "1", "\"x\"", "[]", "{", "{}", "[{}]",
                                        "{\"id\"", "{\"id\":}", "nul", "\xff", "true"})
        CHECK_FALSE(problem_of(json).duplicate_key);
    CHECK_FALSE(problem_of(event_with() + "x").duplicate_key);
    CHECK_FALSE(problem_of(event_with() + event_with()).duplicate_key);
    CHECK_FALSE(problem_of(event_with() + std::string(1, '\0')).duplicate_key);
    CHECK_FALSE(problem_of(event_with() + std::string("\0{}", 3)).duplicate_key);
    CHECK_FALSE(problem_of("\xef\xbb\xbf" + event_with()).duplicate_key);
    CHECK_FALSE(problem_of(event_with("content", "\"\xff\"")).duplicate_key);
    CHECK_FALSE(problem_of(event_with("content", R"("\ud800")")).duplicate_key);
    CHECK_FALSE(problem_of(event_with("content", "\"a\nb\"")).duplicate_key);
}

TEST_CASE("every limit is kept to the letter") {
    const auto json = event_with("tags", R"([["a","b"],["c"]])", R"(,"u":[[]],"v":1)");
    const EventLimits exact{.bytes_max = json.size(),
                            .tags_max = 2,
                            .tag_values_max = 2,
                            .unknown_keys_max = 2,
                            .depth_max = 3};
    CHECK(read_event(json, exact));
    auto limits = exact;
    limits.bytes_max--;
    CHECK(problem_of(json, limits).reason.find("bytes") != std::string::npos);
    limits = exact;
    limits.tags_max--;
    CHECK(problem_of(json, limits).reason.find("tags") != std::string::npos);
    limits = exact;
    limits.tag_values_max--;
    CHECK(problem_of(json, limits).reason.find("tag") != std::string::npos);
    limits = exact;
    limits.unknown_keys_max--;
    CHECK(problem_of(json, limits).reason.find("unknown") != std::string::npos);
    limits = exact;
    limits.depth_max--;
    CHECK(problem_of(json, limits).reason.find("deep") != std::string::npos);
}

TEST_CASE("ten thousand brackets are refused early") {
    CHECK_FALSE(problem_of(event_with("", "", ",\"u\":" + std::string(10000, '['))).reason.empty());
    CHECK_FALSE(problem_of(std::string(60000, '[')).reason.empty());
}

TEST_CASE("tags are found by their first string") {
    Event event;
    event.tags = {{}, {"t"}, {"t", "one"}, {"x", "two", "three"}, {"t", "four"}};
    CHECK(first_tag(event, "t") == "");
    CHECK(first_tag(event, "x") == "two");
    CHECK_FALSE(first_tag(event, "y"));
    CHECK(tag_values(event, "t") == std::vector<std::string_view>{"one", "four"});
    CHECK(tag_values(event, "y").empty());
}

TEST_CASE("no damaged event passes for the one that was signed") {
    // Seeded, so that a failure can be looked at again.
    std::mt19937 dice(20240607);  // NOLINT(bugprone-random-generator-seed)
    const auto events = nostr_tools_events();
    int accepted = 0;
    for (int round = 0; round < 6000; ++round) {
        const auto& original = events[dice() % events.size()];
        auto json = original;
        for (auto changes = dice() % 3 + 1; changes > 0; --changes) {
            const std::size_t at = dice() % json.size();
            const auto c = static_cast<char>(dice() % 256);
            if (const auto how = dice() % 4; how == 0)
                json[at] = c;
            else if (how == 1)
                json.insert(at, 1, c);
            else if (how == 2)
                json.erase(at, dice() % 8 + 1);
            else
                json.insert(at, json.substr(dice() % json.size(), dice() % 40));
            if (json.empty()) json = "{";
        }
        const auto event = parse_event(json);
        if (!event) continue;
        ++accepted;
        const auto again = parse_event(to_json(*event));
        REQUIRE(again);
        CHECK(same(*event, *again));
        if (has_valid_id(*event) && has_valid_signature(*event))
            CHECK(same(*event, *parse_event(original)));
    }
    CHECK(accepted > 100);
}

}  // namespace espalier::protocol
