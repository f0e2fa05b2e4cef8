// What this room's files share of libsecp256k1, without its headers.
//
// Inner header: only this room's .cpp files include it.
#pragma once

#include <cstddef>
#include <span>

struct secp256k1_context_struct;

namespace espalier::protocol {

// One context for the process, blinded against side channels with fresh randomness when it
// is made, constant afterwards: any thread may verify and sign with it.
const secp256k1_context_struct* curve();

// Bytes from the kernel's random source. Requires: out.size() <= 256.
void fill_random(std::span<std::byte> out);
// Overwrites secrets in a way that no compiler leaves out.
void wipe(std::span<std::byte> secret);

const unsigned char* raw(const std::byte* bytes);
unsigned char* raw(std::byte* bytes);

}  // namespace espalier::protocol
