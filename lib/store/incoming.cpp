#include "store/incoming.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/files.h"

namespace espalier::store {
namespace {

// Bytes are sent to the disk in pieces of this size, so that the fsync at the end of a large
// upload has little left to wait for.
constexpr std::uint64_t kWriteBackBytes = 8ULL * 1024 * 1024;

}  // namespace

Incoming::Incoming(std::string path, base::Fd file)
    : path_(std::move(path)), file_(std::move(file)) {}

Incoming::Incoming(Incoming&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      file_(std::move(other.file_)),
      hash_(std::move(other.hash_)),
      size_(other.size_),
      written_back_(other.written_back_),
      first_(other.first_) {}

Incoming::~Incoming() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

base::Result<Incoming> Incoming::create(const std::string& folder) {
    std::string path = folder + "/XXXXXX";
    base::Fd file(::mkostemp(path.data(), O_CLOEXEC));
    if (!file) return std::unexpected(file_error("make a file in", folder));
    return Incoming(std::move(path), std::move(file));
}

base::Result<void> Incoming::append(std::span<const std::byte> bytes) {
    auto written = write_all(file_.get(), bytes, path_);
    if (!written) return written;
    if (size_ < first_.size()) {
        const auto count = std::min<std::size_t>(bytes.size(), first_.size() - size_);
        std::ranges::copy(bytes.first(count), first_.begin() + static_cast<std::ptrdiff_t>(size_));
    }
    hash_.update(bytes);
    size_ += bytes.size();
    if (size_ - written_back_ >= kWriteBackBytes) start_write_back();
    return {};
}

// Only a hint to the kernel: finish() is what makes sure.
void Incoming::start_write_back() {
    ::sync_file_range(file_.get(), static_cast<off_t>(written_back_),
                      static_cast<off_t>(size_ - written_back_), SYNC_FILE_RANGE_WRITE);
    written_back_ = size_;
}

base::Result<protocol::BlobHash> Incoming::finish() {
    if (::fsync(file_.get()) != 0) return std::unexpected(file_error("sync", path_));
    return protocol::BlobHash(hash_.finish());
}

base::Result<void> Incoming::move_to(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) {
        return std::unexpected(file_error("rename a file to", path));
    }
    path_.clear();
    return {};
}

std::span<const std::byte> Incoming::first_bytes() const {
    return std::span(first_).first(std::min<std::size_t>(size_, first_.size()));
}

}  // namespace espalier::store
