// What an entry of the map costs, counted by the allocator and not by the map itself.
#include <atomic>
#include <cstdlib>
#include <new>

#include <doctest/doctest.h>
#include <malloc.h>

#include "blob_names.h"
#include "fleet/blob_map.h"

namespace {

std::atomic<std::int64_t> bytes_in_use{0};  // NOLINT: the operators below have no other place

// What malloc keeps beside each block.
constexpr std::int64_t kMallocHeader = 8;

std::int64_t cost_of(void* block) {
    return static_cast<std::int64_t>(::malloc_usable_size(block)) + kMallocHeader;
}

void* counted(std::size_t bytes, std::size_t alignment) {
    void* const block =
        alignment <= alignof(std::max_align_t)
            ? std::malloc(bytes)
            : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (block == nullptr) throw std::bad_alloc();
    bytes_in_use += cost_of(block);
    return block;
}

void release(void* block) noexcept {
    if (block != nullptr) bytes_in_use -= cost_of(block);
    std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) {
    return counted(bytes, 1);
}
void* operator new[](std::size_t bytes) {
    return counted(bytes, 1);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept {
    release(block);
}
void operator delete[](void* block) noexcept {
    release(block);
}
void operator delete(void* block, std::size_t) noexcept {
    release(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    release(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    release(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
    release(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    release(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    release(block);
}

using namespace espalier;

TEST_CASE("an entry of a full map of 100,000 costs at most 100 bytes") {
    constexpr std::size_t kEntries = 100'000;
    const auto now = base::Steady::now() + base::Seconds{1};
    const auto before = bytes_in_use.load();
    fleet::BlobMap map({.entries_max = kEntries, .ttl = base::Seconds{300}});
    // More than fit, so that every shard is full and positions have been freed and reused.
    for (std::size_t blob = 0; blob < kEntries + kEntries / 4; ++blob)
        map.learn(test::blob_name(blob), static_cast<fleet::UpstreamId>(blob % 3),
                  {.size = blob, .type = "image/png"}, now);
    const auto used = static_cast<double>(bytes_in_use.load() - before);
    const auto snapshot = map.snapshot();
    const auto entries = static_cast<double>(snapshot.entries);
    MESSAGE("bytes an entry: ", used / entries, " counted by the allocator, ",
            static_cast<double>(snapshot.bytes) / entries, " by the map itself");
    CHECK(snapshot.entries > kEntries * 95 / 100);
    CHECK(snapshot.entries <= kEntries + 64);
    CHECK(used / entries <= 100);
    CHECK(static_cast<double>(snapshot.bytes) / entries <= 100);
}
