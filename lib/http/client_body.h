// The body of a request as it comes from the client: what the connection's buffer holds
// already, then straight from the socket into the reader's memory.
//
// Threads: the worker's.
#pragma once

#include "http/buffer.h"
#include "http/chunks.h"
#include "http/request.h"
#include "http/wire.h"

namespace espalier::http {

class ClientBody final : public Body {
public:
    // A body without declared length may have `bytes_max` bytes.
    ClientBody(Wire& wire, Buffer& early, const Head& head, std::uint64_t bytes_max);

    Read read(std::span<std::byte> into, base::Bell* bell, base::Deadline deadline) override;
    std::optional<std::uint64_t> declared_bytes() const override;
    bool gone() const override { return wire_.peer_gone(); }

    // Swallows what is there already, `bytes_max` bytes at most; true = the body has ended, so
    // that the next request may follow.
    bool swallow(std::uint64_t bytes_max);
    // The client still waits for "100 Continue".
    bool held_back() const { return expects_continue_ && !continued_ && early_.empty(); }

private:
    Read read_sized(std::span<char> into, base::Bell* bell, base::Deadline deadline);
    Read read_chunked(std::span<char> into, base::Bell* bell, base::Deadline deadline);
    Read take(std::span<char> into, base::Bell* bell, base::Deadline deadline);
    Read refill(base::Bell* bell, base::Deadline deadline);
    bool say_continue();

    Wire& wire_;
    Buffer& early_;
    const bool chunked_;
    const bool expects_continue_;
    const std::uint64_t bytes_max_;
    const std::uint64_t declared_;
    std::uint64_t left_;       // of the declared length
    std::uint64_t total_ = 0;  // of a chunked body
    Chunks chunks_;
    bool continued_ = false;
    bool broken_ = false;
};

}  // namespace espalier::http
