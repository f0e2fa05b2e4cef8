// Where a StreamBody writes to: exactly so many bytes, or chunks, or bytes until the close.
//
// Threads: the worker's.
#pragma once

#include <cstdint>
#include <optional>

#include "http/reply.h"
#include "http/wire.h"

namespace espalier::http {

class StreamWriter final : public Writer {
public:
    StreamWriter(Wire& wire, std::optional<std::uint64_t> length, bool chunked)
        : wire_(wire), length_(length), chunked_(chunked) {}

    bool write(std::span<const std::byte> bytes) override;
    // false too when that is more than was promised.
    bool write(std::string_view bytes) override;
    // Ends the body; true = the client has the whole.
    bool finish();
    std::uint64_t written() const { return written_; }

private:
    Wire& wire_;
    const std::optional<std::uint64_t> length_;
    const bool chunked_;
    std::uint64_t written_ = 0;
    bool good_ = true;
};

// "<hex size>\r\n", the line before a chunk's data.
std::string chunk_line(std::size_t size);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace espalier::http
