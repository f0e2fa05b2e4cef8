#include "http/request.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace espalier::http {
namespace {

using base::ErrorKind;
using base::Origin;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = base::ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> percent_decode(std::string_view in) {
    std::string out;
    for (std::size_t at = 0; at < in.size(); ++at) {
        if (in[at] != '%') {
            out.push_back(in[at] == '+' ? ' ' : in[at]);
            continue;
        }
        if (at + 2 >= in.size()) return std::nullopt;
        const int high = hex_digit(in[at + 1]);
        const int low = hex_digit(in[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
        at += 2;
    }
    return out;
}

base::Error body_error(Body::Status status) {
    switch (status) {
        case Body::Status::timeout:
            return {.kind = ErrorKind::slow_client,
                    .reason = "the body came too slowly",
                    .origin = Origin::client};
        case Body::Status::too_large:
            return {.kind = ErrorKind::too_large,
                    .reason = "the body is too large",
                    .origin = Origin::client};
        default:
            return {
                .kind = ErrorKind::reset, .reason = "the body broke off", .origin = Origin::client};
    }
}

}  // namespace

std::optional<std::string_view> Head::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key.size() == name.size() && base::equal_ignoring_case(key, name)) return value;
    }
    return std::nullopt;
}

base::Result<std::string> Body::read_all(std::size_t bytes_max, base::Deadline deadline) {
    if (declared_bytes().value_or(0) > bytes_max) {
        return std::unexpected(body_error(Status::too_large));
    }
    std::string whole;
    std::array<std::byte, 16'384> piece;  // NOLINT(*-member-init): filled by read()
    for (;;) {
        const auto got = read(piece, nullptr, deadline);
        if (got.status == Status::end) return whole;
        if (got.status != Status::bytes) return std::unexpected(body_error(got.status));
        if (got.count > bytes_max - whole.size()) {
            return std::unexpected(body_error(Status::too_large));
        }
        // char may alias the bytes that were read.
        whole.append(reinterpret_cast<const char*>(piece.data()), got.count);
    }
}

std::string Request::origin() const {
    return base::text(secure ? "https://" : "http://", host);
}

std::vector<std::string> Request::parameters(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto pair : base::split(head.query, '&')) {
        const auto equals = pair.find('=');
        const auto key = percent_decode(pair.substr(0, equals));
        if (!key || *key != name) continue;
        auto value =
            percent_decode(equals == pair.npos ? std::string_view{} : pair.substr(equals + 1));
        if (value) values.push_back(std::move(*value));
    }
    return values;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
    auto values = parameters(name);
    return values.empty() ? std::nullopt : std::optional(std::move(values.front()));
}

}  // namespace espalier::http
