// The store's endpoints (BUD-01, 02, 04, 06, 11, 12; nip94 of BUD-08) over a BlobFolder.
//
// Threads: any; what it refers to outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "http/server.h"
#include "protocol/authorizer.h"
#include "protocol/blob_hash.h"
#include "store/blob_folder.h"
#include "store/options.h"

namespace espalier::store {

class StoreHandlers : public http::Handlers {
public:
    StoreHandlers(BlobFolder& folder, const Options& options, const base::Clock& clock,
                  base::Log& log);

    bool instant(const http::Head& head, std::string_view peer, http::InstantReply& reply) override;
    http::Lane lane(const http::Head& head) const override;
    http::Reply handle(http::Request& request) override;
    std::uint64_t body_bytes_max(const http::Head& head) const override;

private:
    using Hash = protocol::BlobHash;
    using MaybeCaller = std::optional<protocol::Caller>;
    enum class Signature : std::uint8_t { required, optional };

    // One file per endpoint: get_blob.cpp, put_upload.cpp, put_mirror.cpp, get_list.cpp,
    // delete_blob.cpp.
    http::Reply get_blob(const http::Request& request, const Hash& hash) const;
    http::Reply delete_blob(const http::Request& request, const Hash& hash);
    http::Reply head_upload(const http::Request& request) const;
    http::Reply put_upload(http::Request& request);
    http::Reply put_mirror(http::Request& request);
    http::Reply get_list(const http::Request& request, std::string_view pubkey) const;
    http::Reply blob(const http::Request& request);

    // Faults of this machine are told to the log; clients learn no paths.
    http::Reply refusal(const base::Error& error) const;
    Signature signature_for_writes() const {
        return options_.require_auth ? Signature::required : Signature::optional;
    }
    // Who signed; nothing when nobody did and nobody had to.
    base::Result<MaybeCaller> caller_of(const http::Request& request, protocol::Verb verb,
                                        const std::optional<Hash>& hash, Signature need) const;
    base::Result<Incoming> receive(http::Request& request) const;
    // Keeps what was received and answers 201 or 200 with its descriptor.
    http::Reply keep(const http::Request& request, Incoming incoming, const Hash& hash,
                     std::string type, const MaybeCaller& caller);
    std::string descriptor_json(const http::Request& request, const StoredBlob& blob) const;

    BlobFolder& folder_;
    const Options& options_;
    const base::Clock& clock_;
    base::Log& log_;
    const protocol::Authorizer authorizer_;
};

}  // namespace espalier::store
