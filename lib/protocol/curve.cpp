#include "protocol/curve.h"

#include <array>

#include <secp256k1.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is in no C++ header
#include <sys/random.h>

#include "base/check.h"

namespace espalier::protocol {
namespace {

const secp256k1_context* make_context() {
    auto* const context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    ESPALIER_CHECK(context != nullptr);
    std::array<std::byte, 32> seed{};
    fill_random(seed);
    ESPALIER_CHECK(secp256k1_context_randomize(context, raw(seed.data())) == 1);
    wipe(seed);
    return context;
}

}  // namespace

const secp256k1_context* curve() {
    // Never destroyed: threads may still verify while the process ends.
    static const secp256k1_context* const context = make_context();
    return context;
}

void fill_random(std::span<std::byte> out) {
    // Up to 256 bytes the kernel gives whole once it has enough entropy (getrandom(2)).
    ESPALIER_CHECK(out.size() <= 256);
    ESPALIER_CHECK(getrandom(out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
}

void wipe(std::span<std::byte> secret) {
    explicit_bzero(secret.data(), secret.size());
}

const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

}  // namespace espalier::protocol
