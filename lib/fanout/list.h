// list_blobs() asks several upstreams which blobs a user has there and makes one list of what
// they say: every blob once, newest first, ties by hash, so that the order is total (BUD-12).
//
// Pages are followed by cursor. An upstream that knows no cursor sends its first page again,
// which ends it. What an upstream said before it failed or was cut counts.
//
// Limits: `bytes_max` of JSON per upstream, descriptors of at most kDescriptorBytesMax.
// Threads: the caller's, which reads the Pipes of its own list and waits on a Bell of its own.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fanout/network.h"
#include "protocol/blob_hash.h"
#include "protocol/descriptor.h"
#include "protocol/key.h"
#include "protocol/list_query.h"

namespace espalier::fanout {

struct ListedBlob {
    protocol::BlobHash hash;
    std::uint64_t size = 0;
    std::int64_t uploaded = 0;  // unix seconds; the earliest that is stated
    std::uint32_t type = 0;     // an index of BlobList::types
    fleet::UpstreamSet servers;
};

struct BlobList {
    std::vector<ListedBlob> blobs;
    std::vector<std::string> types;
    std::vector<fleet::Outcome> outcomes;  // one per upstream that was asked
};

struct ListPlan {
    struct Target {
        fleet::UpstreamId upstream = 0;
        std::string authorization;  // "": none
    };
    // A copy that is known of already.
    struct Known {
        fleet::UpstreamId upstream = 0;
        protocol::Descriptor blob;
    };
    std::vector<Target> targets;
    std::vector<Known> known = {};
    protocol::PublicKey pubkey;
    std::uint64_t bytes_max = 8ULL << 20U;  // per upstream
    base::Deadline deadline = base::Deadline::never();
};

BlobList list_blobs(Network network, const ListPlan& plan);

// The part of an ordered list that is asked for; it may be empty. Errors: invalid, when the
// cursor is not on the list.
base::Result<std::span<const ListedBlob>> part_of(std::span<const ListedBlob> blobs,
                                                  const protocol::ListQuery& query);

// Merges what several upstreams said of the same blobs, and puts the list in order. Sizes of 0
// and unknown types give way to better ones (sheet A.17).
void merge(std::vector<ListedBlob>& blobs, std::uint32_t unknown_type);

}  // namespace espalier::fanout
