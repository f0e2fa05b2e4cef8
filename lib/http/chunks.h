// Reads the framing of a chunked body (RFC 9112 section 7.1), strictly: sizes are hex digits
// and nothing else, lines end in CRLF, extensions and trailers are skipped and bounded.
//
// Pure; it never sees the data itself.
#pragma once

#include <cstdint>
#include <string_view>

namespace espalier::http {

class Chunks {
public:
    // Eats framing at the front of `in` and returns how many bytes; stops where data begins,
    // at the body's end, where the framing is broken, or when `in` is used up.
    std::size_t eat(std::string_view in);

    // Bytes of data that come next; 0 while framing comes next.
    std::uint64_t data_left() const { return state_ == State::data ? left_ : 0; }
    // Requires: count <= data_left().
    void took(std::uint64_t count);
    bool ended() const { return state_ == State::ended; }
    bool broken() const { return state_ == State::broken; }

private:
    enum class State : std::uint8_t {
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer,
        trailer_lf,
        last_lf,
        ended,
        broken,
    };
    State step(char c);
    State size_digit(char c);
    State after_size();
    State skip(char c, State same, State line_end);

    State state_ = State::size;
    std::uint64_t left_ = 0;
    std::uint64_t skipped_ = 0;  // bytes of extensions and trailers since the last data
    int digits_ = 0;
};

}  // namespace espalier::http
