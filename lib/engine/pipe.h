// A Pipe carries bytes between the engine thread and one other thread.
//
// It holds at most `capacity` bytes, as Slices: bytes that are already in shared blocks pass
// without a copy. Neither side blocks inside: a full or empty Pipe moves zero bytes, and the
// other side is told when to retry: the Bell of the outer side is rung, the engine is woken.
// The reader is told when the Pipe stops being empty and when it fills past half, the writer
// when it drains to half, both when it is closed; so nobody waits for a byte that is there.
//
// Closing: the writer closes with `finish()` (clean end) or `fail()`; the reader may
// `abandon()`, after which writes take nothing and report it.
//
// Threads: one writer, one reader; either may be the engine thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>

#include "base/bell.h"
#include "base/guarded.h"
#include "base/slice.h"

namespace espalier::engine {

// The engine's end of a Pipe: hears that the other side has moved something.
class PipeWatcher {
public:
    virtual ~PipeWatcher() = default;
    // From the other side's thread; must not block.
    virtual void pipe_moved() = 0;
};

class Pipe {
public:
    enum class End : std::uint8_t { open, finished, failed, abandoned };

    // `outer` is rung for the side that is not the engine; may be null. A reader is told once at
    // least `worth_telling` bytes are there, when half the capacity is, and of the end.
    Pipe(std::size_t capacity, std::shared_ptr<base::Bell> outer, std::size_t worth_telling = 1);

    // Writer. Takes as much of `slice` from its front as there is room for; the bytes taken.
    std::size_t write(base::Slice& slice);
    std::size_t write(std::span<const std::byte> bytes);  // copies
    std::size_t write(std::string_view bytes);            // copies
    // 0 once closed.
    std::size_t room() const;
    void finish();
    // What was written before stays readable.
    void fail();

    // Reader. Copies up to out.size() bytes out; the bytes moved.
    std::size_t read(std::span<std::byte> out);
    // The next contiguous piece, at most `bytes_max`; empty when there is none now.
    base::Slice read_slice(std::size_t bytes_max);
    void abandon();

    std::size_t size() const;
    std::size_t capacity() const { return capacity_; }
    // finished/failed are reported to the reader only once size() is 0 in the finished case.
    End end() const;

private:
    friend class Exchange;
    // What the engine moved, and whether the outer side must hear of it.
    struct Moved {
        std::size_t bytes = 0;
        End end = End::open;
        bool tell = false;
    };
    struct State {
        std::deque<base::Slice> slices;
        std::size_t bytes = 0;
        End end = End::open;
        std::weak_ptr<PipeWatcher> engine;
        bool watched = false;  // by the engine: then it is told by what the outer side does

        End reported_end() const;
    };
    // Slices on their way out, copied from when the lock is no longer held.
    static constexpr std::size_t kBatchSlicesMax = 8;
    struct Batch {
        std::array<base::Slice, kBatchSlicesMax> slices;
        std::size_t count = 0;
    };
    struct Popped {
        Batch batch;
        Moved moved;
    };

    // The engine's forms of the above: the caller passes `tell` on, when it suits it, by ringing
    // the outer Bell. From watch() on, the public forms tell the engine only.
    void watch(std::weak_ptr<PipeWatcher> engine);
    Moved engine_write(std::span<const std::byte> bytes);
    Moved engine_read(std::span<std::byte> out);
    void engine_close(End end);
    const std::shared_ptr<base::Bell>& outer() const { return outer_; }

    Moved push(base::Slice& slice);
    Popped pop(std::size_t bytes_max, std::size_t slices_max);
    Moved copy_in(std::span<const std::byte> bytes);
    Moved copy_out(std::span<std::byte> out);
    void close(End end);
    void tell_other_side();

    const std::size_t capacity_;
    const std::size_t worth_telling_;
    const std::shared_ptr<base::Bell> outer_;
    base::Guarded<State> state_;
};

}  // namespace espalier::engine
