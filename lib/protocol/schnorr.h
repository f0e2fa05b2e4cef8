// Schnorr signatures over secp256k1 (BIP-340).
//
// Threads: any.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "protocol/key.h"

namespace espalier::protocol {

using Signature = std::array<std::byte, 64>;

// False for a wrong signature and for a key that is no point of the curve.
bool verify(const PublicKey& key, std::span<const std::byte, 32> message,
            std::span<const std::byte, 64> signature);
// `fresh` is the auxiliary randomness of BIP-340; all zeros are safe, random bytes safer.
Signature sign(const SecretKey& key, std::span<const std::byte, 32> message,
               std::span<const std::byte, 32> fresh);

}  // namespace espalier::protocol
