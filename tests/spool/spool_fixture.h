// A Spool with small budgets, and verbs for its two sides.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "spool/spool.h"
#include "support/temp_dir.h"

namespace espalier::test {

using spool::Spool;
using Status = spool::Spool::Read::Status;
using WhenFull = spool::Spool::WhenFull;

inline constexpr std::uint64_t kPlenty = 1ULL << 40U;

struct SpoolFixture {
    struct Limits {
        std::uint64_t memory = kPlenty;
        std::uint64_t disk = kPlenty;
        std::uint64_t window = 64;
        std::size_t block = 16;
        std::uint64_t hold_back = 1;
    };
    SpoolFixture() : SpoolFixture(Limits{}) {}
    explicit SpoolFixture(const Limits& limits)
        : memory(limits.memory),
          disk(limits.disk),
          spool(std::make_shared<Spool>(Spool::Options{.window_bytes = limits.window,
                                                       .block_bytes = limits.block,
                                                       .hold_back = limits.hold_back,
                                                       .folder = folder.path().string()},
                                        memory, disk)) {}

    // Writes as much of `bytes` as there is room for; how many bytes went.
    std::size_t append(std::string_view bytes, WhenFull when_full = WhenFull::spill) const {
        std::size_t done = 0;
        while (done < bytes.size()) {
            const auto room = spool->room(bytes.size() - done, when_full);
            if (room.empty()) break;
            const auto n = std::min(room.size(), bytes.size() - done);
            std::memcpy(room.data(), bytes.data() + done, n);
            spool->commit(n);
            done += n;
        }
        return done;
    }

    TempDir folder;
    base::Budget memory, disk;
    std::shared_ptr<Spool> spool;
};

inline std::string text_of(const base::Slice& slice) {
    return {reinterpret_cast<const char*>(slice.bytes().data()), slice.size()};
}

// Reads until there is nothing more now; `last` says why.
inline std::string drain(Spool::Reader& reader, Status* last = nullptr,
                         std::size_t bytes_max = 1 << 20) {
    std::string out;
    for (;;) {
        const auto read = reader.read(bytes_max);
        if (last != nullptr) *last = read.status;
        if (read.status != Status::bytes) return out;
        out += text_of(read.slice);
    }
}

}  // namespace espalier::test
