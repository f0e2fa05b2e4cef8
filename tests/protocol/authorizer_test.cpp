#include "protocol/authorizer.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "base/base64.h"
#include "fixture.h"
#include "protocol/event.h"

namespace espalier::protocol {
namespace {

constexpr std::int64_t kNow = 1772019100;
constexpr std::string_view kOwnHost = "gateway.example";

// A token under construction; each test bends one thing.
struct Draft {
    int kind = kTokenKind;
    std::int64_t created_at = kNow - 10;
    Tags tags{{"t", "upload"}, {"expiration", "1772019200"}, {"x", std::string(kSomeHash)}};
    std::string content;

    Event event() const { return sign_event(some_key(), created_at, kind, tags, content); }
    std::string json() const { return to_json(event()); }
    std::string header() const { return authorization_header(json(), TokenEncoding::std_padded); }
    // The same with all tags of this name replaced by one for each value.
    Draft with(const std::string& name, const std::vector<std::string>& values) const {
        auto draft = *this;
        std::erase_if(draft.tags, [&](const Tag& tag) { return tag[0] == name; });
        for (const auto& value : values) draft.tags.push_back({name, value});
        return draft;
    }
};

std::string header_of(const Event& event) {
    return authorization_header(to_json(event), TokenEncoding::std_padded);
}

std::expected<Caller, Refusal> check(std::string_view header, const AuthorizerOptions& options = {},
                                     Verb verb = Verb::upload) {
    return Authorizer(options).check(header, verb, some_hash(), kOwnHost, kNow);
}

Refusal refusal_of(std::string_view header, const AuthorizerOptions& options = {},
                   Verb verb = Verb::upload) {
    const auto caller = check(header, options, verb);
    REQUIRE_FALSE(caller);
    CHECK_FALSE(caller.error().error.reason.empty());
    CHECK(caller.error().error.origin == base::Origin::client);
    return caller.error();
}

AuthRefusal why(std::string_view header, const AuthorizerOptions& options = {},
                Verb verb = Verb::upload) {
    return refusal_of(header, options, verb).why;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a good token tells who is asking and for what") {
    const auto draft = Draft().with("server", {"https://Gateway.example:443/"});
    const auto caller = check(draft.header());
    REQUIRE(caller);
    CHECK(caller->pubkey == some_key().public_key());
    CHECK(caller->created_at == kNow - 10);
    CHECK(caller->expiration == 1772019200);
    CHECK(caller->hashes == std::vector{some_hash()});
    CHECK(caller->servers == std::vector<std::string>{"gateway.example"});
    CHECK(caller->has_x);
}

TEST_CASE("the signed bytes are kept as they came") {
    auto json = Draft().json();
    json.insert(1, " \n ");
    const auto caller = check(authorization_header(json, TokenEncoding::url));
    REQUIRE(caller);
    CHECK(caller->event_json == json);
}

TEST_CASE("a token of nostr-tools opens the gate") {
    const auto events = nostr_tools_events();
    const auto caller = check(authorization_header(events[0], TokenEncoding::std_padded));
    REQUIRE(caller);
    CHECK(caller->pubkey.hex() ==
          "989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f");
}

TEST_CASE("every way to write base64 is read") {
    auto draft = Draft();
    // Different lengths, so that every padding occurs; '?' and '>' give both odd digits.
    for (const std::string_view content : {"", "?", "?>?>", "~~~~?>", "ÿÿÿ?>?>"}) {
        draft.content = content;
        const auto json = draft.json();
        auto standard = base::to_base64(json);
        auto url = base::to_base64url(json);
        auto unpadded = standard.substr(0, standard.find('='));
        auto padded_url = url + std::string(standard.size() - url.size(), '=');
        for (const auto& token : {standard, url, unpadded, padded_url, url + "=", unpadded + "=="})
            CHECK(check("Nostr " + token));
    }
}

TEST_CASE("the scheme is read in any case, space around the token does not matter") {
    const auto token = Draft().header().substr(6);
    CHECK(check("nostr " + token));
    CHECK(check("  NOSTR   " + token + " \t"));
}

TEST_CASE("no header is missing, anything but a Nostr token is malformed") {
    CHECK(why("") == AuthRefusal::missing);
    CHECK(why("  ") == AuthRefusal::missing);
    for (const std::string_view header :
         {"Nostr", "Nostr ", "Nostr =", "Nostr !", "Nostr e30", "Nostr bnVsbA", "Bearer abc",
          "Nostre30", "Basic dXNlcjpwYXNz", "Nostr AAAAA"})
        CHECK(why(header) == AuthRefusal::malformed);
    CHECK(why(Draft().header() + "!") == AuthRefusal::malformed);
}

TEST_CASE("a token over its limit is refused unread") {
    const auto header = Draft().header();
    CHECK(check(header, {.token_bytes_max = header.size()}));
    CHECK(why(header, {.token_bytes_max = header.size() - 1}) == AuthRefusal::malformed);
    CHECK(why("Nostr " + std::string(20000, 'A')) == AuthRefusal::malformed);
}

TEST_CASE("a key that stands twice is refused") {
    auto json = Draft().json();
    json.insert(1, R"("kind":1,)");
    CHECK(why(authorization_header(json, TokenEncoding::std_padded)) == AuthRefusal::duplicate_key);
}

TEST_CASE("only kind 24242 is a token") {
    auto draft = Draft();
    draft.kind = 1984;
    CHECK(why(draft.header()) == AuthRefusal::wrong_kind);
}

TEST_CASE("a changed event has a wrong id, a changed id a bad signature") {
    auto event = Draft().event();
    event.content = "other";
    CHECK(why(header_of(event)) == AuthRefusal::wrong_id);
    event.id = event_id(event);
    CHECK(why(header_of(event)) == AuthRefusal::bad_signature);
    auto stolen = Draft().event();
    stolen.pubkey = SecretKey::generate().public_key();
    stolen.id = event_id(stolen);
    CHECK(why(header_of(stolen)) == AuthRefusal::bad_signature);
}

TEST_CASE("a clock may be a minute ahead, not more") {
    auto draft = Draft();
    draft.created_at = kNow + 60;
    CHECK(check(draft.header()));
    draft.created_at = kNow + 61;
    CHECK(why(draft.header()) == AuthRefusal::future);
    CHECK(check(draft.header(), {.created_at_tolerance = 61}));
    draft.created_at = 9223372036854775807;
    CHECK(why(draft.header()) == AuthRefusal::future);
    draft.created_at = 0;
    CHECK(check(draft.header()));
}

TEST_CASE("a token needs an expiration in the future, the first one counts") {
    const auto expires = [](const std::vector<std::string>& values) {
        return Draft().with("expiration", values).header();
    };
    CHECK(why(expires({})) == AuthRefusal::no_expiration);
    for (const std::string text : {"", "soon", "-1", "1772019200.5", " 1772019200", "1e12",
                                   "99999999999999999999", "9223372036854775808"})
        CHECK(why(expires({text})) == AuthRefusal::no_expiration);
    CHECK(why(expires({"1772019100"})) == AuthRefusal::expired);
    CHECK(why(expires({"0"})) == AuthRefusal::expired);
    CHECK(check(expires({"1772019101"})));
    CHECK(check(expires({"9223372036854775807"})));
    CHECK(why(expires({"1772019099", "1772019200"})) == AuthRefusal::expired);
    CHECK(check(expires({"1772019200", "1772019099"})));
}

TEST_CASE("one of the t tags must be the verb") {
    const auto verbs = [](const std::vector<std::string>& values) {
        return Draft().with("t", values).header();
    };
    CHECK(why(verbs({})) == AuthRefusal::wrong_verb);
    CHECK(why(verbs({"get"})) == AuthRefusal::wrong_verb);
    CHECK(why(verbs({"Upload"})) == AuthRefusal::wrong_verb);
    CHECK(check(verbs({"get", "upload"})));
    CHECK(contains(refusal_of(verbs({"get"})).error.reason, "t=upload"));
    for (const auto verb : {Verb::get, Verb::upload, Verb::list, Verb::delete_, Verb::media}) {
        CHECK(check(verbs({std::string(name_of(verb))}), {}, verb));
        CHECK(why(verbs({"other"}), {}, verb) == AuthRefusal::wrong_verb);
    }
}

TEST_CASE("server tags are compared by host, by the configured rule") {
    const std::vector<std::string> upstreams{"https://up1.example/", "UP2.example:8443"};
    const auto is_taken = [&](const std::vector<std::string>& servers, AcceptServerTags accept) {
        return check(Draft().with("server", servers).header(),
                     {.accept_server_tags = accept, .upstream_hosts = upstreams})
            .has_value();
    };
    using enum AcceptServerTags;
    for (const auto accept : {own, own_or_upstream, any}) {
        CHECK(is_taken({}, accept));
        CHECK(is_taken({"gateway.example"}, accept));
        CHECK(is_taken({"https://gateway.example/"}, accept));
        CHECK(is_taken({"other.example", "GATEWAY.example:3000"}, accept));
        CHECK(is_taken({"up1.example"}, accept) == (accept != own));
        CHECK(is_taken({"https://up2.example"}, accept) == (accept != own));
        CHECK(is_taken({"other.example"}, accept) == (accept == any));
        CHECK(is_taken({""}, accept) == (accept == any));
        CHECK(is_taken({"sub.gateway.example"}, accept) == (accept == any));
        CHECK(is_taken({"gateway.example.evil.example"}, accept) == (accept == any));
    }
}

TEST_CASE("a server tag without a value is a scope that nobody is in") {
    auto draft = Draft();
    draft.tags.push_back({"server"});
    CHECK(why(draft.header()) == AuthRefusal::wrong_server);
    const auto caller = Authorizer({}).check(draft.header(), Verb::upload, some_hash(), "", kNow);
    REQUIRE_FALSE(caller);
    CHECK(caller.error().why == AuthRefusal::wrong_server);
}

TEST_CASE("a token for other servers is told which hosts to add") {
    const auto refused = refusal_of(Draft().with("server", {"other.example"}).header(),
                                    {.upstream_hosts = {"https://up1.example", "up2.example"}});
    CHECK(refused.why == AuthRefusal::wrong_server);
    CHECK(contains(refused.error.reason, "gateway.example, up1.example, up2.example"));
}

TEST_CASE("x tags that are there always bind") {
    const auto names = [](const std::vector<std::string>& values) {
        return Draft()
            .with("t", {"get", "upload", "delete", "list", "media"})
            .with("x", values)
            .header();
    };
    const std::string other(64, '1');
    const std::string wanted(kSomeHash);
    for (const auto verb : {Verb::get, Verb::upload, Verb::delete_, Verb::media}) {
        CHECK(check(names({wanted}), {}, verb));
        CHECK(check(names({other, wanted}), {}, verb));
        CHECK(why(names({other}), {}, verb) == AuthRefusal::wrong_x);
        CHECK(why(names({"no hash"}), {}, verb) == AuthRefusal::wrong_x);
        CHECK(why(names({base::text('A', wanted.substr(1))}), {}, verb) == AuthRefusal::wrong_x);
    }
    CHECK(check(names({other}), {}, Verb::list));
}

TEST_CASE("who must name the blob depends on the verb and the rule") {
    const auto unnamed =
        Draft().with("t", {"get", "upload", "delete", "list", "media"}).with("x", {}).header();
    const auto needs_x = [&](Verb verb, RequireX rule) {
        const auto caller = check(unnamed, {.require_x = rule}, verb);
        if (!caller) CHECK(caller.error().why == AuthRefusal::missing_x);
        return !caller;
    };
    using enum RequireX;
    CHECK(needs_x(Verb::delete_, by_verb));
    CHECK_FALSE(needs_x(Verb::upload, by_verb));
    CHECK_FALSE(needs_x(Verb::media, by_verb));
    CHECK_FALSE(needs_x(Verb::delete_, if_present));
    for (const auto verb : {Verb::delete_, Verb::upload, Verb::media}) CHECK(needs_x(verb, strict));
    for (const auto rule : {by_verb, if_present, strict})
        for (const auto verb : {Verb::get, Verb::list}) CHECK_FALSE(needs_x(verb, rule));
}

TEST_CASE("a hash that is learnt later is checked later") {
    const Authorizer authorizer({.require_x = RequireX::strict});
    const auto header = Draft().header();
    const auto caller = authorizer.check(header, Verb::upload, std::nullopt, kOwnHost, kNow);
    REQUIRE(caller);
    CHECK(check_hash(*caller, Verb::upload, some_hash(), RequireX::strict));
    const auto other = check_hash(*caller, Verb::upload, BlobHash{}, RequireX::strict);
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == base::ErrorKind::forbidden);
    const auto unnamed = authorizer.check(Draft().with("x", {}).header(), Verb::upload,
                                          std::nullopt, kOwnHost, kNow);
    REQUIRE_FALSE(unnamed);
    CHECK(unnamed.error().why == AuthRefusal::missing_x);
    Caller anyone;
    CHECK(check_hash(anyone, Verb::upload, some_hash(), RequireX::by_verb));
    CHECK_FALSE(check_hash(anyone, Verb::delete_, some_hash(), RequireX::by_verb));
}

TEST_CASE("a list of keys lets in nobody else") {
    std::vector<PublicKey> allowed;
    allowed.reserve(6);
    for (int i = 0; i < 5; ++i) allowed.push_back(SecretKey::generate().public_key());
    CHECK(why(Draft().header(), {.allowed = allowed}) == AuthRefusal::not_allowed);
    allowed.insert(allowed.begin() + 2, some_key().public_key());
    CHECK(check(Draft().header(), {.allowed = allowed}));
}

TEST_CASE("a token that is wrong in every way is refused for the first of them") {
    // From the last check to the first: each step adds a fault that is looked for earlier.
    const AuthorizerOptions options{.allowed = {SecretKey::generate().public_key()}};
    auto draft = Draft();
    CHECK(why(draft.header(), options) == AuthRefusal::not_allowed);
    draft = draft.with("x", {std::string(64, '1')});
    CHECK(why(draft.header(), options) == AuthRefusal::wrong_x);
    draft = draft.with("server", {"other.example"});
    CHECK(why(draft.header(), options) == AuthRefusal::wrong_server);
    draft = draft.with("t", {"get"});
    CHECK(why(draft.header(), options) == AuthRefusal::wrong_verb);
    draft = draft.with("expiration", {"1"});
    CHECK(why(draft.header(), options) == AuthRefusal::expired);
    draft = draft.with("expiration", {});
    CHECK(why(draft.header(), options) == AuthRefusal::no_expiration);
    draft.created_at = kNow + 1000;
    CHECK(why(draft.header(), options) == AuthRefusal::future);
    auto event = draft.event();
    event.sig[5] ^= std::byte{1};
    CHECK(why(header_of(event), options) == AuthRefusal::bad_signature);
    event.id[5] ^= std::byte{1};
    CHECK(why(header_of(event), options) == AuthRefusal::wrong_id);
    event.kind = 1;
    CHECK(why(header_of(event), options) == AuthRefusal::wrong_kind);
    auto json = to_json(event);
    json.insert(1, R"("kind":1,)");
    CHECK(why(authorization_header(json, TokenEncoding::url), options) ==
          AuthRefusal::duplicate_key);
    CHECK(why(authorization_header(json.substr(9), TokenEncoding::url), options) ==
          AuthRefusal::malformed);
}

TEST_CASE("who is unknown gets 401, who may not gets 403") {
    const auto kind = [](const std::string& header, Verb verb = Verb::upload) {
        return refusal_of(header, {}, verb).error.kind;
    };
    using base::ErrorKind;
    CHECK(kind("") == ErrorKind::unauthorized);
    CHECK(kind("Nostr x") == ErrorKind::unauthorized);
    CHECK(kind(Draft().with("expiration", {"1"}).header()) == ErrorKind::unauthorized);
    CHECK(kind(Draft().with("expiration", {}).header()) == ErrorKind::unauthorized);
    CHECK(kind(Draft().with("server", {"other.example"}).header()) == ErrorKind::unauthorized);
    CHECK(kind(Draft().header(), Verb::delete_) == ErrorKind::forbidden);
    CHECK(kind(Draft().with("x", {std::string(64, '1')}).header()) == ErrorKind::forbidden);
    CHECK(kind(Draft().with("x", {}).with("t", {"delete"}).header(), Verb::delete_) ==
          ErrorKind::forbidden);
    CHECK(refusal_of(Draft().header(), {.allowed = {PublicKey{}}}).error.kind ==
          ErrorKind::forbidden);
}

TEST_CASE("every refusal has a word of its own") {
    std::vector<std::string_view> words(static_cast<std::size_t>(AuthRefusal::not_allowed) + 1);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = name_of(static_cast<AuthRefusal>(i));
    CHECK(words.front() == "missing");
    CHECK(words.back() == "not_allowed");
    std::ranges::sort(words);
    CHECK(std::ranges::adjacent_find(words) == words.end());
}

TEST_CASE("a server tag is reduced to its host") {
    for (const std::string_view value :
         {"cdn.example.com", "CDN.Example.com", "https://cdn.example.com",
          "http://cdn.example.com/", "https://cdn.example.com:8443/path?q#f", "cdn.example.com:443",
          "cdn.example.com.", "cdn.example.com.:80", " cdn.example.com ",
          "https://user:pw@cdn.example.com/", "cdn.example.com/upload",
          "cdn.example.com?x=https://other.example", "cdn.example.com/https://other.example"})
        CHECK(server_tag_host(value) == "cdn.example.com");
    CHECK(server_tag_host("http://[::1]:3000/") == "::1");
    CHECK(server_tag_host("::1") == "::1");
    CHECK(server_tag_host("127.0.0.1:3000") == "127.0.0.1");
    for (const std::string_view value : {"", " ", "https://", "/", ":80", "[", "[]", "@", "."})
        CHECK(server_tag_host(value).empty());
}

}  // namespace espalier::protocol
