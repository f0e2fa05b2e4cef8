#include "gateway/account.h"

namespace espalier::gateway {

using dashboard::Operation;

Account::Account(const Parts& parts, std::string_view what, const http::Request& request)
    : parts_(parts), request_id_(request.id), id_(parts.operations.begin(what, request.id)) {}

void Account::about(const std::optional<protocol::BlobHash>& hash, std::string_view pubkey,
                    std::optional<std::uint64_t> bytes) const {
    parts_.operations.change(id_, [&](Operation& operation) {
        if (hash) operation.hash = hash->hex();
        if (!pubkey.empty()) operation.pubkey = pubkey;
        if (bytes) operation.size = bytes;
    });
}

std::function<void(std::span<const fleet::Outcome>)> Account::later() const {
    return
        [&operations = parts_.operations, &fleet = parts_.network.fleet, id = id_](auto outcomes) {
            operations.change(id, [&](Operation& operation) {
                merge(operation.legs, outcomes,
                      [&](fleet::UpstreamId upstream) { return fleet.host(upstream); });
            });
        };
}

void Account::outcomes(std::span<const fleet::Outcome> outcomes) const {
    later()(outcomes);
}

void Account::follow(const std::shared_ptr<fanout::Upload>& upload) const {
    outcomes(upload->status().outcomes);
    parts_.operations.follow(id_, [upload = std::weak_ptr(upload)] {
        const auto alive = upload.lock();
        return alive ? alive->fed() : std::vector<std::uint64_t>{};
    });
}

Account::~Account() {
    if (!closed_) close(http::Reply(500));
}

void Account::close(const http::Reply& reply) {
    closed_ = true;
    std::string uploader;
    std::uint64_t bytes = 0;
    parts_.operations.change(id_, [&](Operation& operation) {
        operation.status = reply.status();
        operation.reason = reply.headers().value("X-Reason");
        operation.took = base::elapsed_since(begun_);
        const bool stored = reply.status() == 200 || reply.status() == 201;
        if (!stored || !operation.size) return;
        uploader = operation.pubkey;
        bytes = *operation.size;
    });
    if (!uploader.empty()) parts_.uploaders.count(uploader, bytes);
}

}  // namespace espalier::gateway
