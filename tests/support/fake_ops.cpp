#include "support/fake_ops.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "protocol/mime.h"
#include "support/bytes.h"
#include "support/fake_steps.h"
#include "support/http_text.h"

namespace espalier::test {
namespace {

using Json = nlohmann::json;

std::string_view path_of(std::string_view target) {
    return target.substr(0, std::min(target.find('?'), target.size()));
}

std::string_view query_of(std::string_view target) {
    const auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

// What a server refuses by type and size alone; `length` and `type` as announced.
std::optional<Answer> check_rules(const Seen& seen, std::optional<std::uint64_t> length,
                                  std::string_view type, const Script& script) {
    const auto bytes = length.value_or(0);
    if (script.upload_bytes_max && bytes > *script.upload_bytes_max)
        return refusal(413, "too large");
    if (!script.types.empty() && !script.types.contains(std::string(type)))
        return refusal(415, "type not accepted");
    if (script.free_bytes_max && bytes > *script.free_bytes_max && !seen.headers.has("X-Cashu")) {
        auto answer = refusal(402, "payment required");
        answer.headers.add("X-Cashu", "creqAfake");
        return answer;
    }
    return std::nullopt;
}

Answer check(const Request& request, const Place& place) {
    const auto& headers = request.seen.headers;
    const auto& script = place.script;
    const std::string hash(headers.value("X-SHA-256"));
    if (script.require_sha256 && !is_hash(hash)) return refusal(400, "X-SHA-256 missing");
    const auto length = base::parse_number(headers.value("X-Content-Length"));
    if (auto no = check_rules(request.seen, length, headers.value("X-Content-Type"), script))
        return *no;
    if (is_hash(hash)) {
        if (auto wrong = check_x(request.token, script.auth, hash)) return *wrong;
    }
    const bool known = is_hash(hash) && place.books.find(hash);
    return {.status = known ? script.check_known_status : script.check_status};
}

// Newest first; ties in order of the hash.
std::vector<std::pair<std::string, Blob>> sorted(const std::map<std::string, Blob>& owned) {
    std::vector<std::pair<std::string, Blob>> items(owned.begin(), owned.end());
    std::ranges::stable_sort(items, std::ranges::greater{},
                             [](const auto& item) { return item.second.uploaded; });
    return items;
}

Answer list(const Request& request, const Place& place) {
    const auto pubkey = path_of(request.seen.path).substr(std::string_view("/list/").size());
    if (!is_hash(pubkey)) return refusal(400, "bad pubkey");
    const auto query = query_of(request.seen.path);
    const auto number = [&](std::string_view name, std::uint64_t otherwise) {
        return base::parse_number(query_value(query, name).value_or("")).value_or(otherwise);
    };
    auto items = sorted(place.books.owned_by(std::string(pubkey)));
    const auto since = number("since", 0);
    const auto until = number("until", std::numeric_limits<std::uint64_t>::max());
    std::erase_if(items, [&](const auto& item) {
        const auto uploaded = static_cast<std::uint64_t>(item.second.uploaded);
        return uploaded < since || uploaded > until;
    });
    auto from = items.begin();
    const auto cursor = query_value(query, "cursor");
    if (cursor && !place.script.list_ignores_cursor) {
        from = std::ranges::find(items, *cursor, [](const auto& item) { return item.first; });
        if (from == items.end()) return refusal(400, "unknown cursor");
        ++from;
    }
    auto page = Json::array();
    const auto page_max =
        place.script.list_page_max == 0 ? items.size() : place.script.list_page_max;
    for (auto left = std::min(number("limit", items.size()), page_max);
         from != items.end() && left > 0; --left, ++from)
        page.push_back(descriptor(from->first, from->second, place));
    return json_answer(200, page);
}

Answer preflight() {
    return {.status = 204,
            .headers = {{"Access-Control-Allow-Headers", "Authorization, *"},
                        {"Access-Control-Allow-Methods", "GET, HEAD, PUT, DELETE"},
                        {"Access-Control-Max-Age", "86400"}},
            .body = {}};
}

}  // namespace

bool is_hash(std::string_view text) {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Answer json_answer(int status, const Json& body) {
    return {
        .status = status, .headers = {{"Content-Type", "application/json"}}, .body = body.dump()};
}

Json descriptor(const std::string& hash, const Blob& blob, const Place& place) {
    const auto& script = place.script;
    const auto type = script.descriptor_type.value_or(blob.type);
    const auto honest = blob.size < script.size_zero_below ? 0 : blob.size;
    return {{"url", base::text(place.url, "/", hash, ".", protocol::extension_of(blob.type))},
            {"sha256", script.wrong_sha256 ? sha256_hex(hash) : hash},
            {"size", script.descriptor_size.value_or(honest)},
            {"type", type},
            {"uploaded", blob.uploaded}};
}

std::string hash_in(std::string_view path) {
    path = path_of(path);
    if (!path.starts_with('/') || !is_hash(path.substr(1, 64))) return "";
    if (path.size() > 65 && path[65] != '.') return "";
    return std::string(path.substr(1, 64));
}

Op op_of(std::string_view method, std::string_view target) {
    const auto path = path_of(target);
    const bool to_head = method == "HEAD";
    if (method == "OPTIONS") return Op::options;
    if (path == "/upload" && (to_head || method == "PUT")) return to_head ? Op::check : Op::upload;
    if (path == "/media" && (to_head || method == "PUT"))
        return to_head ? Op::check_media : Op::media;
    if (path == "/mirror" && method == "PUT") return Op::mirror;
    if (path == "/report" && method == "PUT") return Op::report;
    if (path.starts_with("/list/") && method == "GET") return Op::list;
    if (hash_in(path).empty()) return Op::other;
    if (method == "GET") return Op::get;
    if (to_head) return Op::head;
    return method == "DELETE" ? Op::remove : Op::other;
}

std::optional<Answer> answer_early(const Request& request, const Place& place) {
    const auto& [seen, token, body, kept] = request;
    const auto& script = place.script;
    if (seen.op != Op::upload && seen.op != Op::media) return std::nullopt;
    if (script.require_length && !seen.content_length) return refusal(411, "length required");
    const auto type = seen.headers.value("Content-Type");
    if (auto no = check_rules(seen, seen.content_length, type, script)) return no;
    const std::string hash(seen.headers.value("X-SHA-256"));
    if (script.require_sha256 && !is_hash(hash)) return refusal(400, "X-SHA-256 missing");
    if (!is_hash(hash)) return std::nullopt;
    if (auto wrong = check_x(token, script.auth, hash)) return wrong;
    const auto known = place.books.find(hash);
    if (seen.op != Op::upload || !script.early_known || !known) return std::nullopt;
    return json_answer(script.known_status, descriptor(hash, *known, place));
}

Answer perform(const Request& request, const Place& place) {
    switch (request.seen.op) {
        case Op::get:
        case Op::head:
            return read_blob(request, place);
        case Op::upload:
            return upload(request, place);
        case Op::check:
            return check(request, place);
        case Op::mirror:
            return mirror(request, place);
        case Op::media:
            return transform(request, place);
        case Op::check_media:
            return place.script.has_media ? Answer{} : refusal(404, "no media endpoint");
        case Op::list:
            return list(request, place);
        case Op::remove:
            return remove(request, place);
        case Op::report:
            return Answer{};
        case Op::options:
            return preflight();
        case Op::other:
            return refusal(404, "no such endpoint");
    }
    return refusal(500, "unreachable");
}

}  // namespace espalier::test
