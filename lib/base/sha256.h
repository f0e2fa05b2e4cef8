// SHA-256 (FIPS 180-4), incremental.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace espalier::base {

using Digest = std::array<std::byte, 32>;

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    void update(std::span<const std::byte> bytes);
    // The digest of everything so far. The object starts afresh.
    Digest finish();

    static Digest of(std::span<const std::byte> bytes);
    static Digest of(std::string_view bytes);

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

}  // namespace espalier::base
