#include "spool/spool.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"

namespace espalier::spool {
namespace {

// Reads exactly into.size() bytes at `offset`; false when the disk does not give them.
bool read_fully(int file, std::span<std::byte> into, std::uint64_t offset) {
    while (!into.empty()) {
        const auto got = ::pread(file, into.data(), into.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        into = into.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return true;
}

bool write_fully(int file, std::span<const std::byte> from, std::uint64_t offset) {
    while (!from.empty()) {
        const auto put = ::pwrite(file, from.data(), from.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        from = from.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return true;
}

base::Fd open_unlinked(const std::string& folder) {
    base::Fd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    // Some file systems (overlays of old kernels, NFS, FUSE) know no nameless files.
    if (file || (errno != EOPNOTSUPP && errno != EISDIR)) return file;
    auto name = folder + "/espalier-XXXXXX";
    file.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (file) ::unlink(name.c_str());
    return file;
}

}  // namespace

Spool::Spool(const Options& options, base::Budget& memory, base::Budget& disk)
    : options_(options),
      // Less would spill blocks of which the readers lack nothing but what is held back.
      window_bytes_(std::max(options.window_bytes, 2 * options.block_bytes + options.hold_back)) {
    state_.with([&](State& state) {
        state.memory = base::Lease(memory);
        state.disk = base::Lease(disk);
    });
}

Spool::~Spool() = default;

std::unique_ptr<Spool::Reader> Spool::attach() {
    std::unique_ptr<Reader> reader(new Reader(shared_from_this()));
    state_.with([&](State& state) {
        ESPALIER_CHECK(state.window.empty() ? size() == 0 : state.window.front().begin == 0);
        state.readers.push_back(reader.get());
    });
    return reader;
}

Spool::Reader::~Reader() {
    spool_->detach(*this);
}

void Spool::detach(Reader& reader) {
    state_.with([&](State& state) {
        std::erase(state.readers, &reader);
        drop_passed(state);
    });
}

std::uint64_t Spool::slowest(const State& state) {
    auto offset = std::numeric_limits<std::uint64_t>::max();
    for (const Reader* reader : state.readers)
        if (!reader->lost_) offset = std::min(offset, reader->offset());
    return offset;
}

// Drops full blocks that every reader has passed.
void Spool::drop_passed(State& state) {
    const auto passed = slowest(state);
    while (!state.window.empty()) {
        const Piece& oldest = state.window.front();
        const bool full = oldest.size == oldest.capacity || sealed() != Seal::open;
        if (!full || oldest.end() > passed) return;
        drop_oldest(state);
    }
}

void Spool::drop_oldest(State& state) {
    state.in_file_until = state.window.front().end();
    state.memory.give_back(state.window.front().paid);
    state.window.pop_front();
}

std::span<std::byte> Spool::room(std::size_t bytes_max, WhenFull when_full) {
    ESPALIER_CHECK(sealed() == Seal::open);
    const auto in_newest = [](State& state) -> std::span<std::byte> {
        if (state.window.empty()) return {};
        Piece& newest = state.window.back();
        return {newest.block.get() + newest.size, newest.capacity - newest.size};
    };
    auto room = state_.with(in_newest);
    if (room.empty()) {
        add_block(std::min(options_.block_bytes, std::max<std::size_t>(bytes_max, 1)), when_full);
        room = state_.with(in_newest);
    }
    return room.first(std::min(room.size(), bytes_max));
}

// Adds a block to the window, after spilling what no longer fits into it.
void Spool::add_block(std::size_t bytes, WhenFull when_full) {
    while (!fits_window(bytes))
        if (!spill_oldest()) break;
    while (!push_block(bytes)) {
        if (when_full == WhenFull::wait) return;
        spill_oldest();
    }
}

bool Spool::fits_window(std::size_t bytes) {
    return state_.with([&](State& state) {
        drop_passed(state);
        if (state.window.empty()) return true;
        return size() - state.window.front().begin + bytes <= window_bytes_;
    });
}

// false: not paid for. When every reader has all that it may see, a block is granted all the same:
// the held-back bytes keep theirs, so nothing else would ever make room.
bool Spool::push_block(std::size_t bytes) {
    return state_.with([&](State& state) {
        const bool paid = state.memory.take(bytes);
        if (!paid && !state.window.empty() && slowest(state) < visible_end()) return false;
        state.window.push_back({.begin = size(),
                                .capacity = bytes,
                                .paid = paid ? bytes : 0,
                                .block = base::make_block(bytes)});
        return true;
    });
}

// Moves the oldest block to the file for the readers that still need it. When that cannot be
// done those that lag behind are lost; for others, who lack only what is held back from them, the
// block stays where it is. Returns whether the block is gone from the window.
bool Spool::spill_oldest() {
    Piece oldest;
    const bool any = state_.with([&](State& state) {
        if (state.window.empty()) return false;
        oldest = state.window.front();
        return true;
    });
    if (!any) return false;
    const bool kept = write_to_file(oldest);
    return state_.with([&](State& state) {
        // A reader may have gone meanwhile, and the block with it.
        if (state.window.empty() || state.window.front().begin != oldest.begin) return true;
        const auto visible = std::min(oldest.end(), visible_end());
        for (Reader* reader : state.readers)
            if (!kept && reader->offset() < visible) lose(*reader);
        if (!kept && slowest(state) < oldest.end()) return false;
        drop_oldest(state);
        return true;
    });
}

bool Spool::write_to_file(const Piece& piece) {
    if (file_failed_) return false;
    const auto file = state_.with([&](State& state) -> std::shared_ptr<base::Fd> {
        if (!state.disk.take(piece.size)) return nullptr;
        if (!state.file) state.file = std::make_shared<base::Fd>(open_unlinked(options_.folder));
        return state.file;
    });
    if (!file) return false;
    const std::span<const std::byte> bytes(piece.block.get(), piece.size);
    file_failed_ = !*file || !write_fully(file->get(), bytes, piece.begin);
    if (!file_failed_) spilled_.fetch_add(piece.size, std::memory_order_relaxed);
    return !file_failed_;
}

std::uint64_t Spool::oldest_end() const {
    return state_.with([](const State& state) {
        return state.window.empty() ? std::uint64_t{0} : state.window.front().end();
    });
}

void Spool::commit(std::size_t n) {
    state_.with([&](State& state) {
        ESPALIER_CHECK(!state.window.empty());
        Piece& newest = state.window.back();
        ESPALIER_CHECK(newest.size + n <= newest.capacity);
        newest.size += n;
    });
    size_.fetch_add(n, std::memory_order_release);
}

void Spool::seal(Seal seal) {
    ESPALIER_CHECK(sealed() == Seal::open && seal != Seal::open);
    seal_.store(seal, std::memory_order_release);
}

void Spool::lose(Reader& reader) {
    reader.lost_ = true;
    lost_any_ = true;
}

std::uint64_t Spool::visible_end() const {
    const auto seal = sealed();  // before size(): a good seal comes after the last byte
    const auto end = size();
    if (seal == Seal::good) return end;
    return end > options_.hold_back ? end - options_.hold_back : 0;
}

Spool::Read Spool::Reader::read(std::size_t bytes_max) {
    return spool_->read_at(*this, bytes_max);
}

Spool::Read Spool::read_at(Reader& reader, std::size_t bytes_max) {
    using Status = Read::Status;
    if (sealed() == Seal::failed) return {Status::failed, {}};
    if (reader.lost_) return {Status::lost, {}};
    const auto offset = reader.offset();
    const auto end = visible_end();
    if (offset >= end) {
        const bool over = sealed() == Seal::good && offset == size();
        return {over ? Status::end : Status::wait, {}};
    }
    const auto wanted = std::min<std::uint64_t>(bytes_max, end - offset);
    std::shared_ptr<base::Fd> file;
    std::uint64_t file_end = 0;
    auto slice = state_.with([&](State& state) -> base::Slice {
        for (const Piece& piece : state.window) {
            if (offset < piece.begin || offset >= piece.end()) continue;
            const auto skip = static_cast<std::size_t>(offset - piece.begin);
            const auto size = std::min<std::uint64_t>(wanted, piece.end() - offset);
            return {piece.block, skip, static_cast<std::size_t>(size)};
        }
        file = state.file;
        file_end = state.in_file_until;
        return {};
    });
    if (slice.empty()) {
        const auto size =
            static_cast<std::size_t>(std::min({wanted, file_end > offset ? file_end - offset : 0,
                                               std::uint64_t{options_.block_bytes}}));
        const auto block = base::make_block(size);
        if (!file || size == 0 || !read_fully(file->get(), {block.get(), size}, offset)) {
            lose(reader);
            return {Status::lost, {}};
        }
        slice = base::Slice(block, 0, size);
    }
    reader.offset_.fetch_add(slice.size(), std::memory_order_release);
    state_.with([&](State& state) { drop_passed(state); });
    return {Status::bytes, std::move(slice)};
}

}  // namespace espalier::spool
