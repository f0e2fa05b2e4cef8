#include "gateway/fetched_body.h"

#include <array>

#include <poll.h>

#include "base/text.h"

namespace espalier::gateway {
namespace {

constexpr std::size_t kPipeBytes = 1024UL * 1024;

// Waits until one of them rings; `other` may be null. True: `other` did.
bool wait_for_either(base::Bell& ours, base::Bell* other, base::Deadline deadline) {
    std::array<pollfd, 2> files{
        pollfd{.fd = ours.fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = other != nullptr ? other->fd() : -1, .events = POLLIN, .revents = 0}};
    ::poll(files.data(), files.size(), deadline.poll_timeout());
    return files[1].revents != 0;
}

}  // namespace

FetchedBody::FetchedBody(engine::Engine& engine, engine::TransferRequest request)
    : pipe_(std::make_shared<engine::Pipe>(kPipeBytes, bell_)) {
    request.download = pipe_;
    transfer_ = engine.start(std::move(request), bell_);
}

base::Result<void> FetchedBody::await_head(base::Deadline deadline) {
    for (;;) {
        bell_->clear();
        auto state = transfer_.state();
        if (state.error) return std::unexpected(std::move(*state.error));
        if (state.head_received) {
            head_ = std::move(state.response);
            break;
        }
        if (!bell_->wait(deadline) && deadline.passed())
            return base::fail(base::ErrorKind::timeout, "the origin did not answer in time",
                              base::Origin::upstream);
    }
    if (head_.status == 200) return {};
    return base::fail(base::ErrorKind::upstream, base::text("the origin answered ", head_.status),
                      base::Origin::upstream);
}

std::string FetchedBody::why_broken() const {
    const auto error = transfer_.state().error;
    return error ? error->reason : "the origin broke off";
}

http::Body::Read FetchedBody::read(std::span<std::byte> into, base::Bell* bell,
                                   base::Deadline deadline) {
    for (;;) {
        bell_->clear();
        if (const auto n = pipe_->read(into); n > 0) return {Status::bytes, n};
        const auto end = pipe_->end();
        if (end == engine::Pipe::End::finished) return {Status::end};
        if (end != engine::Pipe::End::open) return {Status::broken};
        if (wait_for_either(*bell_, bell, deadline)) return {Status::rung};
        if (deadline.passed()) return {Status::timeout};
    }
}

std::optional<std::uint64_t> FetchedBody::declared_bytes() const {
    return base::parse_number(head_.headers.value("Content-Length"));
}

}  // namespace espalier::gateway
