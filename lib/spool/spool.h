// A Spool carries bytes across time: append-only, one writer, many readers, each at its own
// offset, sealed once: good or failed.
//
// The newest bytes are in a memory window shared by all readers; what a slow reader has not
// read yet when the window moves on goes to an unlinked file, within a budget. Beyond it, or
// when the disk fails, that reader is lost, never the Spool. What every reader has passed is
// dropped; with no reader attached nothing is kept.
//
// `hold_back`: readers never see the last n bytes until the Spool is sealed good.
//
// Threads: one writer; each Reader is used by one thread; snapshot functions by any. File
// reads and writes happen outside of the lock, in the caller's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "base/slice.h"

namespace espalier::spool {

class Spool : public std::enable_shared_from_this<Spool> {
public:
    enum class Seal : std::uint8_t { open, good, failed };

    struct Options {
        std::uint64_t window_bytes = 8ULL * 1024 * 1024;  // at least two blocks and hold_back
        std::size_t block_bytes = 256UL * 1024;
        std::uint64_t hold_back = 1;
        std::string folder = "/var/tmp";  // for the unlinked file
    };

    // `memory` pays for the window, `disk` for the file. A block is granted even when `memory` is
    // used up as long as no reader lags behind: every Spool can move.
    Spool(const Options& options, base::Budget& memory, base::Budget& disk);
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    // What to do when `memory` is used up: wait for the readers, or write to disk because they
    // do not move yet.
    enum class WhenFull : std::uint8_t { wait, spill };
    // Writer: where the next bytes go, at most `bytes_max`. Empty: wait. May write to disk.
    std::span<std::byte> room(std::size_t bytes_max, WhenFull when_full);
    // Writer: the first n bytes of the last room() are filled.
    void commit(std::size_t n);
    // Writer: the end. Requires: open.
    void seal(Seal seal);

    std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
    Seal sealed() const { return seal_.load(std::memory_order_acquire); }
    // Where what readers may see ends.
    std::uint64_t visible_end() const;
    // Where the oldest block in memory ends; 0 when there is none.
    std::uint64_t oldest_end() const;
    // Whether some reader's bytes could not be kept.
    bool lost_any() const { return lost_any_.load(std::memory_order_acquire); }
    // Written to the file so far.
    std::uint64_t spilled_bytes() const { return spilled_.load(std::memory_order_relaxed); }

    struct Read {
        enum class Status : std::uint8_t {
            bytes,   // `slice` holds some
            wait,    // nothing now
            end,     // sealed good and read to the end
            failed,  // sealed failed
            lost,    // this reader's bytes could not be kept
        };
        Status status = Status::wait;
        base::Slice slice;
    };

    // Detaches when destroyed. Keeps its Spool alive.
    class Reader {
    public:
        ~Reader();
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;

        // At most `bytes_max` bytes from where this reader is. May read from disk.
        Read read(std::size_t bytes_max);
        std::uint64_t offset() const { return offset_.load(std::memory_order_acquire); }
        // Whether the next read() says `lost`.
        bool lost() const { return lost_.load(std::memory_order_acquire); }

    private:
        friend class Spool;
        explicit Reader(std::shared_ptr<Spool> spool) : spool_(std::move(spool)) {}
        const std::shared_ptr<Spool> spool_;
        std::atomic<std::uint64_t> offset_{0};
        std::atomic<bool> lost_{false};
    };

    // A reader at offset 0. Requires: nothing has been dropped yet.
    std::unique_ptr<Reader> attach();

private:
    struct Piece {
        std::uint64_t begin = 0;
        std::size_t size = 0;  // filled
        std::size_t capacity = 0;
        std::uint64_t paid = 0;  // taken from the memory budget for it
        base::Block block;
        std::uint64_t end() const { return begin + size; }
    };
    struct State {
        std::deque<Piece> window;
        std::uint64_t in_file_until = 0;  // bytes before this are in the file or were passed
        std::vector<Reader*> readers;
        base::Lease memory;
        base::Lease disk;
        std::shared_ptr<base::Fd> file;
    };

    void detach(Reader& reader);
    static std::uint64_t slowest(const State& state);
    void drop_passed(State& state);
    static void drop_oldest(State& state);
    void add_block(std::size_t bytes, WhenFull when_full);
    bool fits_window(std::size_t bytes);
    bool push_block(std::size_t bytes);
    bool spill_oldest();
    bool write_to_file(const Piece& piece);
    void lose(Reader& reader);
    Read read_at(Reader& reader, std::size_t bytes_max);

    const Options options_;
    const std::uint64_t window_bytes_;
    // Owned by the writer.
    bool file_failed_ = false;
    // Guarded or atomic.
    base::Guarded<State> state_;
    std::atomic<std::uint64_t> size_{0};
    std::atomic<Seal> seal_{Seal::open};
    std::atomic<std::uint64_t> spilled_{0};
    std::atomic<bool> lost_any_{false};
};

}  // namespace espalier::spool
