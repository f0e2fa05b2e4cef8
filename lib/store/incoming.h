// An Incoming is a blob on its way in: a temporary file that is hashed as it grows. It becomes
// a blob by being moved to its place; if it never is, the file goes away with the object.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "protocol/blob_hash.h"

namespace espalier::store {

class Incoming {
public:
    // A new file in `folder`. It must be on the file system where the blobs are.
    static base::Result<Incoming> create(const std::string& folder);
    ~Incoming();
    Incoming(Incoming&& other) noexcept;
    Incoming& operator=(Incoming&&) = delete;

    // Errors: storage.
    base::Result<void> append(std::span<const std::byte> bytes);
    // Puts the bytes on the disk and says what they are called. Call once, at the end.
    base::Result<protocol::BlobHash> finish();
    // Renames the file; from then on it is not ours to remove.
    base::Result<void> move_to(const std::string& path);

    std::uint64_t size() const { return size_; }
    // The first 64 bytes at most, to guess a type from.
    std::span<const std::byte> first_bytes() const;

private:
    Incoming(std::string path, base::Fd file);
    void start_write_back();

    std::string path_;  // "": moved away
    base::Fd file_;
    base::Sha256 hash_;
    std::uint64_t size_ = 0;
    std::uint64_t written_back_ = 0;  // bytes whose way to the disk has begun
    std::array<std::byte, 64> first_{};
};

}  // namespace espalier::store
