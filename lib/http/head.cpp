#include "http/head.h"

#include "base/text.h"
#include "http/chars.h"

namespace espalier::http {
namespace {

using base::equal_ignoring_case;

constexpr Refusal kFine{};
constexpr std::size_t kMethodBytesMax = 32;

void reset(Head& head) {
    head.method = head.target = head.path = head.query = head.host = {};
    head.headers.clear();
    head.keep_alive = true;
    head.http10 = head.expects_continue = head.chunked = false;
    head.content_length.reset();
}

// Where the empty line after the head ends; both kinds of line end are found here, the wrong
// one is refused later.
std::size_t end_of_head(std::string_view in, std::size_t from) {
    for (auto at = in.find('\n', from); at != in.npos; at = in.find('\n', at + 1)) {
        if (at + 1 < in.size() && in[at + 1] == '\n') return at + 2;
        if (at + 2 < in.size() && in[at + 1] == '\r' && in[at + 2] == '\n') return at + 3;
    }
    return in.npos;
}

class HeadReader {
public:
    HeadReader(std::string_view text, Head& head) : text_(text), head_(head) {}

    Refusal run() {
        std::string_view line;
        if (const auto bad = next_line(line)) return bad;
        if (const auto bad = request_line(line)) return bad;
        for (std::size_t lines = 0;; ++lines) {
            if (const auto bad = next_line(line)) return bad;
            if (line.empty()) return verdict();
            if (lines == kHeadLinesMax) return {431, "the request has too many header lines"};
            if (const auto bad = field(line)) return bad;
        }
    }

private:
    Refusal next_line(std::string_view& line) {
        const auto end = text_.find('\n');
        if (end == text_.npos) return {400, "the request head ends within a line"};
        if (end == 0 || text_[end - 1] != '\r')
            return {400, "a line of the head ends in a bare LF"};
        line = text_.substr(0, end - 1);
        text_.remove_prefix(end + 1);
        return kFine;
    }

    Refusal request_line(std::string_view line) {
        constexpr Refusal kBad{400, "the request line is malformed"};
        const auto first = line.find(' ');
        const auto second = line.find(' ', first == line.npos ? first : first + 1);
        if (second == line.npos) return kBad;
        head_.method = line.substr(0, first);
        const auto target = line.substr(first + 1, second - first - 1);
        if (head_.method.empty() || head_.method.size() > kMethodBytesMax) return kBad;
        if (!all_of(token_char, head_.method)) return kBad;
        if (const auto bad = version(line.substr(second + 1))) return bad;
        if (target.size() > kTargetBytesMax) return {414, "the request target is too long"};
        if (target.empty() || !all_of(target_char, target)) return kBad;
        return place(target);
    }

    Refusal version(std::string_view text) {
        if (text == "HTTP/1.1") return kFine;
        if (text == "HTTP/1.0") {
            head_.http10 = true;
            head_.keep_alive = false;
            return kFine;
        }
        const bool numbered = text.size() == 8 && text.starts_with("HTTP/") &&
                              is_a(digit_char, text[5]) && text[6] == '.' &&
                              is_a(digit_char, text[7]);
        if (numbered) return {505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
        return {400, "the request line is malformed"};
    }

    // Origin-form, absolute-form or asterisk-form (RFC 9112 section 3.2).
    Refusal place(std::string_view target) {
        if (head_.method == "CONNECT") return {405, "this is not a forward proxy"};
        if (target == "*" && head_.method != "OPTIONS") return {400, "'*' is only for OPTIONS"};
        if (target != "*" && target.front() != '/') {
            if (const auto bad = absolute(target)) return bad;
        }
        head_.target = target;
        const auto mark = target.find('?');
        head_.path = target.substr(0, mark);
        if (mark != target.npos) head_.query = target.substr(mark + 1);
        return kFine;
    }

    // Cuts scheme and authority off `target`; the authority counts more than Host.
    Refusal absolute(std::string_view& target) {
        constexpr Refusal kBad{400, "the request target must begin with '/'"};
        const auto colon = target.find("://");
        if (colon == target.npos) return kBad;
        const auto scheme = target.substr(0, colon);
        if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) {
            return kBad;
        }
        const auto rest = target.substr(colon + 3);
        const auto slash = rest.find('/');
        head_.host = rest.substr(0, slash);
        if (head_.host.empty() || !all_of(host_char, head_.host)) return kBad;
        absolute_ = true;
        target = slash == rest.npos ? std::string_view{"/"} : rest.substr(slash);
        return kFine;
    }

    Refusal field(std::string_view line) {
        if (line.front() == ' ' || line.front() == '\t') {
            return {400, "folded header lines are not accepted"};
        }
        const auto colon = line.find(':');
        if (colon == line.npos) return {400, "a header line has no colon"};
        const auto name = line.substr(0, colon);
        if (name.empty() || !all_of(token_char, name)) return {400, "a header name is malformed"};
        const auto value = base::trim(line.substr(colon + 1));
        if (!all_of(field_char, value)) return {400, "a header value has a control character"};
        head_.headers.emplace_back(name, value);
        return meaning(name, value);
    }

    // The lines that decide about framing and the connection.
    Refusal meaning(std::string_view name, std::string_view value) {
        switch (name.size()) {
            case 4:
                return equal_ignoring_case(name, "host") ? host(value) : kFine;
            case 6:
                return equal_ignoring_case(name, "expect") ? expect(value) : kFine;
            case 10:
                if (equal_ignoring_case(name, "connection")) connection(value);
                return kFine;
            case 14:
                return equal_ignoring_case(name, "content-length") ? length(value) : kFine;
            case 17:
                return equal_ignoring_case(name, "transfer-encoding") ? coding(value) : kFine;
            default:
                return kFine;
        }
    }

    Refusal host(std::string_view value) {
        if (++hosts_ > 1) return {400, "the request has two Host lines"};
        if (!all_of(host_char, value)) return {400, "the Host line is malformed"};
        if (!absolute_) head_.host = value;
        return kFine;
    }

    Refusal expect(std::string_view value) {
        if (head_.http10) return kFine;
        if (!equal_ignoring_case(value, "100-continue")) {
            return {417, "only 100-continue can be expected"};
        }
        head_.expects_continue = true;
        return kFine;
    }

    void connection(std::string_view value) {
        while (!value.empty()) {
            const auto comma = value.find(',');
            const auto option = base::trim(value.substr(0, comma));
            if (equal_ignoring_case(option, "close")) closes_ = true;
            if (equal_ignoring_case(option, "keep-alive")) keeps_ = true;
            value = comma == value.npos ? std::string_view{} : value.substr(comma + 1);
        }
    }

    Refusal length(std::string_view value) {
        if (head_.content_length) return {400, "the request has two Content-Length lines"};
        if (!value.empty() && all_of(digit_char, value)) {
            head_.content_length = base::parse_number(value);
        }
        if (!head_.content_length) return {400, "the Content-Length is not a number"};
        return kFine;
    }

    Refusal coding(std::string_view value) {
        if (++codings_ > 1) return {400, "the request has two Transfer-Encoding lines"};
        if (!equal_ignoring_case(value, "chunked")) {
            return {501, "only the transfer coding 'chunked' is understood"};
        }
        head_.chunked = true;
        return kFine;
    }

    Refusal verdict() {
        if (!head_.http10 && hosts_ == 0) return {400, "the request has no Host line"};
        if (head_.chunked && head_.content_length) {
            return {400, "the request has both a length and a transfer coding"};
        }
        if (head_.chunked && head_.http10) {
            return {400, "HTTP/1.0 knows no transfer coding"};
        }
        head_.keep_alive = !closes_ && (!head_.http10 || keeps_);
        return kFine;
    }

    std::string_view text_;
    Head& head_;
    int hosts_ = 0;
    int codings_ = 0;
    bool absolute_ = false;
    bool closes_ = false;
    bool keeps_ = false;
};

HeadOutcome refused(Refusal refusal) {
    return {.kind = HeadOutcome::Kind::refused, .refusal = refusal};
}

HeadOutcome too_long(std::string_view text) {
    if (text.substr(0, kHeadBytesMax).find('\n') == text.npos) {
        return refused({414, "the request target is too long"});
    }
    return refused({431, "the request head is too long"});
}

}  // namespace

HeadOutcome read_head(std::string_view input, std::size_t seen, Head& head) {
    reset(head);
    // One empty line before a request is forgiven (RFC 9112 section 2.2).
    const std::size_t skip = input.starts_with("\r\n") ? 2 : 0;
    const auto text = input.substr(skip);
    if (text.empty() || text == "\r") return {};
    if (!is_a(token_char, text.front())) {
        return refused({400, "the request does not begin with a method"});
    }
    const auto end = end_of_head(text, seen > skip + 3 ? seen - skip - 3 : 0);
    if (end == text.npos && text.size() <= kHeadBytesMax) return {};
    if (end == text.npos || end > kHeadBytesMax) return too_long(text);
    if (const auto bad = HeadReader(text.substr(0, end), head).run()) return refused(bad);
    return {.kind = HeadOutcome::Kind::complete, .bytes = skip + end, .refusal = {}};
}

}  // namespace espalier::http
