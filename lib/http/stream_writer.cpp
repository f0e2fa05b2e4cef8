#include "http/stream_writer.h"

#include <charconv>

namespace espalier::http {

std::string chunk_line(std::size_t size) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
    return std::string(digits, end).append("\r\n");
}

bool StreamWriter::write(std::span<const std::byte> bytes) {
    // char may alias any bytes.
    return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

bool StreamWriter::write(std::string_view bytes) {
    if (length_ && bytes.size() > *length_ - written_) good_ = false;
    if (!good_ || bytes.empty()) return good_;
    good_ = chunked_ ? wire_.send(chunk_line(bytes.size()), bytes, "\r\n") : wire_.send(bytes);
    if (good_) written_ += bytes.size();
    return good_;
}

bool StreamWriter::finish() {
    if (length_ && written_ != *length_) return false;
    return good_ && (!chunked_ || wire_.send(kLastChunk));
}

}  // namespace espalier::http
