#include "gateway/payments.h"

#include <algorithm>

namespace espalier::gateway {
namespace {

constexpr std::size_t kTableMax = 65'536;
constexpr base::Seconds kMemory{3600};

std::string key_of(const protocol::BlobHash& hash, const std::optional<protocol::Caller>& caller) {
    return hash.hex() + (caller ? caller->pubkey.hex() : std::string());
}

}  // namespace

std::optional<fleet::UpstreamId> Payments::payee(const protocol::BlobHash& hash,
                                                 const std::optional<protocol::Caller>& caller,
                                                 base::Steady::time_point now) const {
    return asked_.with([&](const Table& table) -> std::optional<fleet::UpstreamId> {
        const auto found = table.find(key_of(hash, caller));
        if (found == table.end() || now - found->second.at > kMemory) return std::nullopt;
        return found->second.upstream;
    });
}

void Payments::demand(http::Reply& reply, std::span<const fleet::Outcome> outcomes,
                      const std::optional<protocol::BlobHash>& hash,
                      const std::optional<protocol::Caller>& caller, base::Steady::time_point now) {
    if (reply.status() != 402) return;
    const auto chosen = std::ranges::find_if(
        outcomes, [](const fleet::Outcome& outcome) { return !outcome.payment.empty(); });
    if (chosen == outcomes.end()) return;
    for (const auto& [name, value] : chosen->payment) reply.header(name, value);
    if (!hash) return;
    asked_.with([&](Table& table) {
        if (table.size() >= kTableMax)
            std::erase_if(table,
                          [&](const auto& entry) { return now - entry.second.at > kMemory; });
        if (table.size() >= kTableMax) table.erase(table.begin());
        table.insert_or_assign(key_of(*hash, caller), Asked{chosen->upstream, now});
    });
}

base::Headers payment_proofs(const http::Head& head) {
    base::Headers proofs;
    for (const auto name : fleet::kPaymentHeaders)
        if (const auto value = head.header(name)) proofs.add(name, *value);
    return proofs;
}

}  // namespace espalier::gateway
