#include "protocol/schnorr.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/check.h"
#include "protocol/curve.h"

namespace espalier::protocol {

bool verify(const PublicKey& key, std::span<const std::byte, 32> message,
            std::span<const std::byte, 64> signature) {
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(curve(), &point, raw(key.bytes().data())) == 1 &&
           secp256k1_schnorrsig_verify(curve(), raw(signature.data()), raw(message.data()),
                                       message.size(), &point) == 1;
}

Signature sign(const SecretKey& key, std::span<const std::byte, 32> message,
               std::span<const std::byte, 32> fresh) {
    Signature signature{};
    secp256k1_keypair pair;
    const bool made =
        secp256k1_keypair_create(curve(), &pair, raw(key.bytes().data())) == 1 &&
        secp256k1_schnorrsig_sign32(curve(), raw(signature.data()), raw(message.data()), &pair,
                                    raw(fresh.data())) == 1;
    wipe(std::as_writable_bytes(std::span(pair.data)));
    ESPALIER_CHECK(made);
    return signature;
}

}  // namespace espalier::protocol
