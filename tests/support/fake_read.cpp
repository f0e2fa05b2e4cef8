#include <algorithm>

#include "base/text.h"
#include "protocol/mime.h"
#include "support/fake_steps.h"

namespace espalier::test {
namespace {

struct Part {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

// The part of `size` bytes that a Range header asks for; nothing: the whole. A part with
// count 0 cannot be satisfied.
std::optional<Part> part_of(std::string_view range, std::uint64_t size, std::uint64_t open_max) {
    if (!range.starts_with("bytes=") || range.find(',') != std::string_view::npos)
        return std::nullopt;
    const auto dash = range.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = base::parse_number(range.substr(6, dash - 6));
    const auto last = base::parse_number(range.substr(dash + 1));
    if (!first && !last) return std::nullopt;
    if (!first) {
        const auto count = std::min(*last, size);
        return Part{size - count, count};
    }
    if (*first >= size) return Part{};
    if (last && *last < *first) return std::nullopt;
    const auto left = size - *first;
    if (last) return Part{*first, std::min(*last - *first + 1, left)};
    return Part{*first, open_max > 0 ? std::min(open_max, left) : left};
}

Answer redirect(const std::string& hash, const Blob& blob, const Script& script) {
    Answer answer{.status = 307};
    const auto extension = protocol::extension_of(blob.type);
    answer.headers.add("Location", base::text(script.redirect_base, "/", hash, ".", extension));
    return answer;
}

void fill_payload(Answer& answer, const Blob& blob, Part part, const Script& script) {
    answer.body = blob.bytes->substr(part.first, part.count);
    if (!script.wrong_byte || answer.body.empty()) return;
    const auto at = std::min(*script.wrong_byte, blob.size - 1);
    if (at < part.first || at >= part.first + part.count) return;
    auto& byte = answer.body[at - part.first];
    byte = static_cast<char>(byte ^ 1);
}

}  // namespace

Answer missing(bool to_head, const Script& script) {
    auto answer =
        refusal(to_head ? script.missing_head_status : script.missing_status, "Blob not found");
    for (const auto& [name, value] : script.missing_headers) answer.headers.set(name, value);
    return answer;
}

Answer read_blob(const Request& request, const Place& place) {
    const bool to_head = request.seen.op == Op::head;
    const auto hash = hash_in(request.seen.path);
    const auto blob = place.books.look_up(hash);
    if (!blob || !blob->bytes) return missing(to_head, place.script);
    if (!place.script.redirect_base.empty()) return redirect(hash, *blob, place.script);
    Answer answer;
    answer.headers = {{"Content-Type", blob->type},
                      {"Accept-Ranges", "bytes"},
                      {"ETag", base::text('"', hash, '"')},
                      {"Cache-Control", "public, max-age=31536000, immutable"}};
    if (to_head) {
        answer.head_length = blob->size;
        return answer;
    }
    const auto range = place.script.ranges ? request.seen.headers.value("Range") : "";
    const auto part = part_of(range, blob->size, place.script.open_range_max);
    if (part && part->count == 0) {
        answer = refusal(416, "range not satisfiable");
        answer.headers.add("Content-Range", base::text("bytes */", blob->size));
        return answer;
    }
    fill_payload(answer, *blob, part.value_or(Part{0, blob->size}), place.script);
    if (!part) return answer;
    answer.status = 206;
    answer.headers.add("Content-Range", base::text("bytes ", part->first, "-",
                                                   part->first + part->count - 1, "/", blob->size));
    return answer;
}

}  // namespace espalier::test
