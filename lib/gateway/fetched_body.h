// A FetchedBody is a body that the gateway fetches itself, read like a client's: what Storing
// reads when a blob is mirrored.
//
// Threads: one worker. Destroying it cancels the fetch.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "http/request.h"

namespace espalier::gateway {

class FetchedBody : public http::Body {
public:
    // The engine outlives it. `request`: its download Pipe is made here.
    FetchedBody(engine::Engine& engine, engine::TransferRequest request);

    // Waits for the head of a 200. Errors: those of a Transfer; upstream, with the status.
    base::Result<void> await_head(base::Deadline deadline);
    std::string_view type() const { return head_.headers.value("Content-Type"); }
    // Why read() said `broken`.
    std::string why_broken() const;

    // `broken` when the origin breaks off.
    Read read(std::span<std::byte> into, base::Bell* bell, base::Deadline deadline) override;
    // The origin's Content-Length.
    std::optional<std::uint64_t> declared_bytes() const override;

private:
    const std::shared_ptr<base::Bell> bell_ = std::make_shared<base::Bell>();
    const std::shared_ptr<engine::Pipe> pipe_;
    engine::Transfer transfer_;
    engine::Response head_;
};

}  // namespace espalier::gateway
