// HTTP/1.1 as text, for both sides of a test: message heads and bodies in any framing.
//
// It shares nothing with the program's own HTTP code, so that neither hides the other's
// mistakes.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/headers.h"

namespace espalier::test {

struct MessageHead {
    std::string start_line;
    base::Headers headers;

    // The n-th word of the start line, from 0; "" when there are fewer.
    std::string_view word(std::size_t n) const;
};

// Bytes from a source, buffered where a line or a head ends before the bytes do.
class ByteReader {
public:
    // Fills some of `out`; 0 = no more will come.
    using Source = std::function<std::size_t(std::span<char>)>;
    explicit ByteReader(Source source) : source_(std::move(source)) {}

    // Nothing when the source ends first or the head is malformed or above 64 KiB.
    std::optional<MessageHead> read_head();
    // A line without its end; nothing when the source ends first.
    std::optional<std::string> read_line();
    // Some bytes, buffered ones first; 0 = no more will come.
    std::size_t read(std::span<char> out);
    bool has_buffered() const { return !buffer_.empty(); }

private:
    bool fill();
    std::optional<std::string> read_past(std::string_view mark);

    Source source_;
    std::string buffer_;
};

// Takes one body out of a ByteReader.
class BodyReader {
public:
    static BodyReader of_length(std::uint64_t bytes);
    static BodyReader of_chunks();
    static BodyReader until_close();

    // Some bytes of the body; 0 = it is complete() or was cut.
    std::size_t read(ByteReader& from, std::span<char> out);
    bool complete() const { return complete_; }

private:
    enum class Framing : std::uint8_t { length, chunks, close };
    BodyReader(Framing framing, std::uint64_t left)
        : framing_(framing), left_(left), complete_(framing == Framing::length && left == 0) {}
    bool next_chunk(ByteReader& from);

    Framing framing_;
    std::uint64_t left_;  // bytes of the body or of the chunk
    bool complete_;
    bool first_chunk_ = true;
};

// The reason phrase of a status.
std::string_view phrase_of(int status);
// The number that a query such as "a=1&b=2" gives to `name`, undecoded; nothing if absent.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace espalier::test
