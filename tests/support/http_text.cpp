#include "support/http_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace espalier::test {
namespace {

std::optional<MessageHead> parse_head(std::string_view text) {
    MessageHead head;
    bool first = true;
    while (!text.empty()) {
        const auto end = std::min(text.find("\r\n"), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 2, text.size()));
        if (std::exchange(first, false)) {
            head.start_line = line;
            continue;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return std::nullopt;
        head.headers.add(line.substr(0, colon), base::trim(line.substr(colon + 1)));
    }
    if (head.start_line.empty()) return std::nullopt;
    return head;
}

}  // namespace

std::string_view MessageHead::word(std::size_t n) const {
    const auto words = base::split(start_line, ' ');
    return n < words.size() ? words[n] : std::string_view{};
}

bool ByteReader::fill() {
    std::array<char, 4096> piece{};
    const auto got = source_(piece);
    buffer_.append(piece.data(), got);
    return got > 0;
}

std::optional<std::string> ByteReader::read_past(std::string_view mark) {
    constexpr std::size_t kHeadMax = std::size_t{64} * 1024;
    auto at = buffer_.find(mark);
    while (at == std::string::npos) {
        if (buffer_.size() > kHeadMax || !fill()) return std::nullopt;
        at = buffer_.find(mark);
    }
    auto text = buffer_.substr(0, at);
    buffer_.erase(0, at + mark.size());
    return text;
}

std::optional<MessageHead> ByteReader::read_head() {
    const auto text = read_past("\r\n\r\n");
    if (!text) return std::nullopt;
    return parse_head(*text);
}

std::optional<std::string> ByteReader::read_line() {
    return read_past("\r\n");
}

std::size_t ByteReader::read(std::span<char> out) {
    if (buffer_.empty()) return source_(out);
    const auto size = std::min(out.size(), buffer_.size());
    std::copy_n(buffer_.begin(), size, out.begin());
    buffer_.erase(0, size);
    return size;
}

BodyReader BodyReader::of_length(std::uint64_t bytes) {
    return {Framing::length, bytes};
}
BodyReader BodyReader::of_chunks() {
    return {Framing::chunks, 0};
}
BodyReader BodyReader::until_close() {
    return {Framing::close, 0};
}

bool BodyReader::next_chunk(ByteReader& from) {
    if (!std::exchange(first_chunk_, false) && !from.read_line()) return false;
    const auto line = from.read_line();
    if (!line) return false;
    const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), left_, 16);
    if (error != std::errc{}) return false;
    if (left_ > 0) return true;
    for (auto trailer = from.read_line(); trailer; trailer = from.read_line()) {
        complete_ = trailer->empty();
        if (complete_) break;
    }
    return false;
}

std::size_t BodyReader::read(ByteReader& from, std::span<char> out) {
    if (complete_) return 0;
    if (framing_ == Framing::close) {
        const auto got = from.read(out);
        complete_ = got == 0;
        return got;
    }
    if (framing_ == Framing::chunks && left_ == 0 && !next_chunk(from)) return 0;
    const auto want = std::min<std::uint64_t>(out.size(), left_);
    const auto got = from.read(out.first(static_cast<std::size_t>(want)));
    left_ -= got;
    complete_ = framing_ == Framing::length && left_ == 0;
    return got;
}

std::string_view phrase_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 402:
            return "Payment Required";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 416:
            return "Range Not Satisfiable";
        case 429:
            return "Too Many Requests";
        case 503:
            return "Service Unavailable";
        default:
            return status < 400 ? "Fine" : "Refused";
    }
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
    for (const auto pair : base::split(query, '&')) {
        const auto equals = std::min(pair.find('='), pair.size());
        if (pair.substr(0, equals) != name) continue;
        return std::string(pair.substr(std::min(equals + 1, pair.size())));
    }
    return std::nullopt;
}

}  // namespace espalier::test
