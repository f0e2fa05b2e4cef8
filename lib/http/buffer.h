// A Buffer is bytes that arrived and were not yet looked at.
//
// Threads: one at a time.
#pragma once

#include <string>
#include <string_view>

namespace espalier::http {

class Buffer {
public:
    std::string_view view() const { return std::string_view(bytes_).substr(at_); }
    std::size_t size() const { return bytes_.size() - at_; }
    bool empty() const { return at_ == bytes_.size(); }
    // Requires: `bytes` is no part of this Buffer.
    void assign(std::string_view bytes) {
        bytes_.assign(bytes);
        at_ = 0;
    }
    void consume(std::size_t count) {
        at_ += count;
        if (empty()) clear();
    }
    void clear() {
        at_ = 0;
        // Idle connections are many: a large block is not kept for them.
        if (bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);
        bytes_.clear();
    }
    std::size_t capacity() const { return bytes_.capacity(); }

    static constexpr std::size_t kKeptBytes = 1024;

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

}  // namespace espalier::http
