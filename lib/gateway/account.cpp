#include "gateway/account.h"

namespace espalier::gateway {

using dashboard::Operation;

Account::Account(dashboard::Operations& operations, const fleet::Fleet& fleet,
                 std::string_view what, const http::Request& request)
    : operations_(operations),
      fleet_(fleet),
      request_id_(request.id),
      id_(operations.begin(what, request.id)) {}

void Account::about(const std::optional<protocol::BlobHash>& hash, std::string_view pubkey,
                    std::optional<std::uint64_t> bytes) const {
    operations_.change(id_, [&](Operation& operation) {
        if (hash) operation.hash = hash->hex();
        if (!pubkey.empty()) operation.pubkey = pubkey;
        if (bytes) operation.size = bytes;
    });
}

std::function<void(std::span<const fleet::Outcome>)> Account::later() const {
    return [&operations = operations_, &fleet = fleet_, id = id_](auto outcomes) {
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
    operations_.follow(id_, [upload = std::weak_ptr(upload)] {
        const auto alive = upload.lock();
        return alive ? alive->fed() : std::vector<std::uint64_t>{};
    });
}

Account::~Account() {
    if (!closed_) close(http::Reply(500));
}

void Account::close(const http::Reply& reply) {
    closed_ = true;
    operations_.change(id_, [&](Operation& operation) {
        operation.status = reply.status();
        operation.reason = reply.headers().value("X-Reason");
        operation.took = base::elapsed_since(begun_);
    });
}

}  // namespace espalier::gateway
