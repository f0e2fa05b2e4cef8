// Names of blobs by number, spread like real hashes.
#pragma once

#include <string>

#include "protocol/blob_hash.h"

namespace espalier::test {

inline protocol::BlobHash blob_name(std::size_t number) {
    return protocol::BlobHash(base::Sha256::of(std::to_string(number)));
}

}  // namespace espalier::test
