#include "support/fake_auth.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/clock.h"
#include "base/text.h"
#include "protocol/event.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

std::string_view verb_of(Op op) {
    switch (op) {
        case Op::get:
        case Op::head:
            return "get";
        case Op::upload:
        case Op::check:
        case Op::mirror:
            return "upload";
        case Op::media:
        case Op::check_media:
            return "media";
        case Op::list:
            return "list";
        case Op::remove:
            return "delete";
        default:
            return "";
    }
}

bool is_read(Op op) {
    return op == Op::get || op == Op::head;
}

bool spends(Op op) {
    return op == Op::upload || op == Op::mirror || op == Op::media || op == Op::remove;
}

bool is_std_padded(std::string_view text) {
    return text.size() % 4 == 0 && text.find_first_of("-_") == std::string_view::npos;
}

// The values of every tag called `name`.
std::vector<std::string> values(const Json& tags, std::string_view name) {
    std::vector<std::string> found;
    for (const auto& tag : tags) {
        if (!tag.is_array() || tag.size() < 2 || !tag[0].is_string() || !tag[1].is_string())
            continue;
        if (tag[0].get<std::string>() == name) found.push_back(tag[1].get<std::string>());
    }
    return found;
}

std::optional<Token> read_event(const Json& event) {
    if (!event.is_object() || event.value("kind", 0) != 24242) return std::nullopt;
    const auto tags = event.find("tags");
    if (tags == event.end() || !tags->is_array()) return std::nullopt;
    const auto verbs = values(*tags, "t");
    const auto expirations = values(*tags, "expiration");
    if (verbs.empty() || expirations.empty()) return std::nullopt;
    const auto expiration = base::parse_number(expirations.front());
    if (!expiration) return std::nullopt;
    return Token{.id = event.value("id", ""),
                 .pubkey = event.value("pubkey", ""),
                 .verb = verbs.front(),
                 .created_at = event.value("created_at", std::int64_t{0}),
                 .expiration = static_cast<std::int64_t>(*expiration),
                 .xs = values(*tags, "x"),
                 .servers = values(*tags, "server")};
}

bool is_signed(const std::string& json) {
    const auto event = protocol::parse_event(json);
    return event && protocol::has_valid_id(*event) && protocol::has_valid_signature(*event);
}

// What is wrong with a token that could be read.
std::optional<Answer> judge(const Token& token, Op op, const AuthScript& auth) {
    const auto now = base::SystemClock().unix_now();
    if (token.expiration <= now) return refusal(auth.expired, "token expired");
    if (token.created_at > now + 60) return refusal(auth.expired, "token from the future");
    if (now - token.created_at > auth.age_max) return refusal(auth.expired, "token too old");
    if (token.verb != verb_of(op)) return refusal(auth.wrong_verb, "wrong t tag");
    const auto is_ours = [&](const std::string& tag) {
        return std::ranges::find(auth.servers, tag) != auth.servers.end();
    };
    const bool scoped = !token.servers.empty() && !auth.servers.empty();
    if (scoped && std::ranges::none_of(token.servers, is_ours))
        return refusal(auth.wrong_server, "wrong server tag");
    if (!auth.pubkeys.empty() && !auth.pubkeys.contains(token.pubkey))
        return refusal(403, "pubkey not allowed");
    return std::nullopt;
}

Admission refused(int status, std::string_view reason) {
    return {.refusal = refusal(status, reason)};
}

Admission admit_header(std::string_view header, Op op, const AuthScript& auth, Books& books) {
    if (!base::equal_ignoring_case(header.substr(0, 6), "Nostr "))
        return refused(auth.malformed, "not a Nostr token");
    const auto text = base::trim(header.substr(6));
    if (auth.std_padded_only && !is_std_padded(text))
        return refused(op == Op::upload ? auth.unreadable_upload : auth.unreadable, "bad base64");
    const auto json = base::from_base64(text);
    if (!json) return refused(auth.malformed, "bad base64");
    auto token = read_event(Json::parse(*json, nullptr, false));
    if (!token) return refused(auth.malformed, "malformed token");
    if (auth.verify && !is_signed(*json)) return refused(auth.malformed, "bad signature");
    if (auto wrong = judge(*token, op, auth)) return {.refusal = std::move(wrong)};
    if (auth.once && spends(op) && !books.use_token(token->id))
        return refused(auth.reused, "Auth event already used");
    return {.token = std::move(token)};
}

}  // namespace

Answer refusal(int status, std::string_view reason) {
    return {.status = status,
            .headers = {{"X-Reason", std::string(reason)}, {"Content-Type", "application/json"}},
            .body = Json{{"message", reason}}.dump()};
}

Admission admit(const Seen& request, const AuthScript& auth, Books& books) {
    if (verb_of(request.op).empty()) return {};
    const auto header = request.headers.get("Authorization");
    const bool required = auth.required.contains(request.op);
    if (!header && required) return refused(auth.missing, "Missing Authorization header");
    if (!header) return {};
    auto admission = admit_header(*header, request.op, auth, books);
    const bool may_ignore = is_read(request.op) && !auth.check_reads && !required;
    if (admission.refusal && may_ignore) return {};
    return admission;
}

std::optional<Answer> check_x(const std::optional<Token>& token, const AuthScript& auth,
                              std::string_view hash) {
    if (!token) return std::nullopt;
    if (token->xs.empty() && !auth.require_x) return std::nullopt;
    if (std::ranges::find(token->xs, hash) != token->xs.end()) return std::nullopt;
    return refusal(auth.wrong_x, "x tag does not match");
}

}  // namespace espalier::test
