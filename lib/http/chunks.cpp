#include "http/chunks.h"

#include "base/check.h"
#include "base/text.h"
#include "http/chars.h"

namespace espalier::http {
namespace {

constexpr int kSizeDigitsMax = 15;  // below 2^60
constexpr std::uint64_t kSkippedBytesMax = 4096;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = base::ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::size_t Chunks::eat(std::string_view in) {
    std::size_t eaten = 0;
    while (eaten < in.size()) {
        if (state_ == State::data || state_ == State::ended || state_ == State::broken) break;
        state_ = step(in[eaten++]);
    }
    return eaten;
}

void Chunks::took(std::uint64_t count) {
    ESPALIER_CHECK(count <= data_left());
    left_ -= count;
    if (left_ == 0) state_ = State::data_cr;
    skipped_ = 0;
}

Chunks::State Chunks::step(char c) {
    switch (state_) {
        case State::size:
            return size_digit(c);
        case State::extension:
            return skip(c, State::extension, State::size_lf);
        case State::size_lf:
            return c == '\n' ? after_size() : State::broken;
        case State::data_cr:
            return c == '\r' ? State::data_lf : State::broken;
        case State::data_lf:
            return c == '\n' ? State::size : State::broken;
        case State::trailer_start:
            if (c == '\r') return State::last_lf;
            return is_a(token_char, c) ? skip(c, State::trailer, State::broken) : State::broken;
        case State::trailer:
            return skip(c, State::trailer, State::trailer_lf);
        case State::trailer_lf:
            return c == '\n' ? State::trailer_start : State::broken;
        case State::last_lf:
            return c == '\n' ? State::ended : State::broken;
        default:
            return state_;
    }
}

Chunks::State Chunks::size_digit(char c) {
    const int value = hex_value(c);
    if (value >= 0) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(value);
        return ++digits_ > kSizeDigitsMax ? State::broken : State::size;
    }
    if (digits_ == 0) return State::broken;
    if (c == '\r') return State::size_lf;
    return c == ';' ? State::extension : State::broken;
}

Chunks::State Chunks::after_size() {
    digits_ = 0;
    return left_ == 0 ? State::trailer_start : State::data;
}

Chunks::State Chunks::skip(char c, State same, State line_end) {
    if (++skipped_ > kSkippedBytesMax) return State::broken;
    if (c == '\r') return line_end;
    return is_a(field_char, c) ? same : State::broken;
}

}  // namespace espalier::http
