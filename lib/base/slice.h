// A Slice is a piece of an immutable, shared block of bytes.
//
// Passing bytes from thread to thread as Slices copies nothing; the block lives until its
// last Slice is gone. A block's bytes inside a published Slice are never written again.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace espalier::base {

using Block = std::shared_ptr<std::byte[]>;

// An uninitialised block of `size` bytes.
inline Block make_block(std::size_t size) {
    return std::make_shared_for_overwrite<std::byte[]>(size);
}

class Slice {
public:
    Slice() = default;
    Slice(std::shared_ptr<const std::byte[]> block, std::size_t offset, std::size_t size)
        : block_(std::move(block)), offset_(offset), size_(size) {}

    static Slice copy_of(std::span<const std::byte> bytes) {
        auto block = make_block(bytes.size());
        if (!bytes.empty()) std::memcpy(block.get(), bytes.data(), bytes.size());
        return Slice(std::move(block), 0, bytes.size());
    }
    static Slice copy_of(std::string_view bytes) {
        return copy_of(std::as_bytes(std::span(bytes)));
    }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::span<const std::byte> bytes() const { return {block_.get() + offset_, size_}; }
    // The first n bytes, which are taken off this Slice. Requires: n <= size().
    Slice take_front(std::size_t n) {
        Slice front(block_, offset_, n);
        offset_ += n;
        size_ -= n;
        return front;
    }

private:
    std::shared_ptr<const std::byte[]> block_;
    std::size_t offset_ = 0;
    std::size_t size_ = 0;
};

}  // namespace espalier::base
