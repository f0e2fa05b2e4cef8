#include "engine/pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace espalier::engine {

using base::Slice;

Pipe::Pipe(std::size_t capacity, std::shared_ptr<base::Bell> outer, std::size_t worth_telling)
    : capacity_(capacity), worth_telling_(worth_telling), outer_(std::move(outer)) {
    ESPALIER_CHECK(capacity > 0);
}

Pipe::End Pipe::State::reported_end() const {
    return end == End::finished && bytes > 0 ? End::open : end;
}

Pipe::Moved Pipe::push(Slice& slice) {
    return state_.with([&](State& state) {
        if (state.end != End::open) return Moved{.bytes = 0, .end = state.end, .tell = false};
        const auto before = state.bytes;
        const auto taken = std::min(slice.size(), capacity_ - before);
        if (taken == 0) return Moved{};
        state.slices.push_back(slice.take_front(taken));
        state.bytes += taken;
        const auto reaches = [&](std::size_t mark) { return before < mark && state.bytes >= mark; };
        const bool tell = reaches(worth_telling_) || reaches(capacity_ / 2);
        return Moved{.bytes = taken, .end = End::open, .tell = tell};
    });
}

Pipe::Popped Pipe::pop(std::size_t bytes_max, std::size_t slices_max) {
    return state_.with([&](State& state) {
        Popped popped;
        auto& [batch, moved] = popped;
        const auto before = state.bytes;
        while (!state.slices.empty() && moved.bytes < bytes_max && batch.count < slices_max) {
            auto& front = state.slices.front();
            const auto wanted = std::min(front.size(), bytes_max - moved.bytes);
            moved.bytes += wanted;
            batch.slices[batch.count++] = front.take_front(wanted);
            if (front.empty()) state.slices.pop_front();
        }
        state.bytes -= moved.bytes;
        const auto half = capacity_ / 2;
        moved.tell = before > half && state.bytes <= half;
        moved.end = state.reported_end();
        return popped;
    });
}

Pipe::Moved Pipe::copy_in(std::span<const std::byte> bytes) {
    // Room only grows under a writer's feet, so that what fits now still fits below.
    const auto fitting = std::min(bytes.size(), room());
    auto slice = fitting > 0 ? Slice::copy_of(bytes.first(fitting)) : Slice{};
    return push(slice);
}

Pipe::Moved Pipe::copy_out(std::span<std::byte> out) {
    Moved all;
    for (bool more = true; more;) {
        auto [batch, moved] = pop(out.size() - all.bytes, kBatchSlicesMax);
        auto to = out.subspan(all.bytes);
        for (auto& slice : std::span(batch.slices).first(batch.count)) {
            std::memcpy(to.data(), slice.bytes().data(), slice.size());
            to = to.subspan(slice.size());
        }
        all = {.bytes = all.bytes + moved.bytes, .end = moved.end, .tell = all.tell || moved.tell};
        more = moved.bytes > 0 && all.bytes < out.size();
    }
    return all;
}

void Pipe::close(End end) {
    state_.with([&](State& state) {
        if (end == End::abandoned) {
            state.slices.clear();
            state.bytes = 0;
        } else if (state.end != End::open) {
            return;
        }
        state.end = end;
    });
}

void Pipe::tell_other_side() {
    auto [watched, engine] = state_.with(
        [](const State& state) { return std::pair(state.watched, state.engine.lock()); });
    if (engine) return engine->pipe_moved();
    // Without an engine we cannot know which side called; a needless ring does no harm.
    if (!watched && outer_) outer_->ring();
}

std::size_t Pipe::write(Slice& slice) {
    const auto moved = push(slice);
    if (moved.tell) tell_other_side();
    return moved.bytes;
}

std::size_t Pipe::write(std::span<const std::byte> bytes) {
    const auto moved = copy_in(bytes);
    if (moved.tell) tell_other_side();
    return moved.bytes;
}

std::size_t Pipe::write(std::string_view bytes) {
    return write(std::as_bytes(std::span(bytes)));
}

std::size_t Pipe::room() const {
    return state_.with([&](const State& state) {
        return state.end == End::open ? capacity_ - state.bytes : std::size_t{0};
    });
}

void Pipe::finish() {
    close(End::finished);
    tell_other_side();
}

void Pipe::fail() {
    close(End::failed);
    tell_other_side();
}

std::size_t Pipe::read(std::span<std::byte> out) {
    const auto moved = copy_out(out);
    if (moved.tell) tell_other_side();
    return moved.bytes;
}

Slice Pipe::read_slice(std::size_t bytes_max) {
    auto [batch, moved] = pop(bytes_max, 1);
    if (moved.tell) tell_other_side();
    return std::move(batch.slices[0]);
}

void Pipe::abandon() {
    close(End::abandoned);
    tell_other_side();
}

std::size_t Pipe::size() const {
    return state_.with([](const State& state) { return state.bytes; });
}

Pipe::End Pipe::end() const {
    return state_.with([](const State& state) { return state.reported_end(); });
}

void Pipe::watch(std::weak_ptr<PipeWatcher> engine) {
    state_.with([&](State& state) {
        state.engine = std::move(engine);
        state.watched = true;
    });
}

Pipe::Moved Pipe::engine_write(std::span<const std::byte> bytes) {
    return copy_in(bytes);
}

Pipe::Moved Pipe::engine_read(std::span<std::byte> out) {
    return copy_out(out);
}

void Pipe::engine_close(End end) {
    close(end);
    if (outer_) outer_->ring();
}

}  // namespace espalier::engine
