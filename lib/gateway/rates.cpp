#include "gateway/rates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include <arpa/inet.h>

namespace espalier::gateway {
namespace {

using base::Seconds;
using base::Steady;

constexpr double kMinute = 60;
constexpr double kDay = 24 * 60 * 60;

// Seconds until `level` has reached `wanted`, in a bucket of `capacity` that fills once `period`.
double wait_for(double level, double wanted, std::uint64_t capacity, double period) {
    if (capacity == 0 || level >= wanted) return 0;
    const auto whole = static_cast<double>(capacity);
    // What never fits waits for a full bucket's time, and is told so again.
    return std::min((wanted - level) / whole, 1.0) * period;
}

double filled_up(double level, std::uint64_t capacity, double period, double seconds) {
    const auto whole = static_cast<double>(capacity);
    return std::min(level + whole * seconds / period, whole);
}

}  // namespace

void RateTable::fill(Buckets& buckets, Steady::time_point now) const {
    const std::chrono::duration<double> passed = now - buckets.filled;
    const double seconds = std::max(passed.count(), 0.0);
    buckets.requests = filled_up(buckets.requests, limits_.requests_per_minute, kMinute, seconds);
    buckets.bytes = filled_up(buckets.bytes, limits_.bytes_per_day, kDay, seconds);
    buckets.filled = now;
}

// Those who are full again are as good as unknown; failing that, the one with the most left.
void RateTable::make_room(Table& table, Steady::time_point now) const {
    for (auto& [client, buckets] : table) fill(buckets, now);
    const auto share = [this](const Table::value_type& entry) {
        const auto part = [](double level, std::uint64_t capacity) {
            return capacity == 0 ? 1.0 : level / static_cast<double>(capacity);
        };
        return std::min(part(entry.second.requests, limits_.requests_per_minute),
                        part(entry.second.bytes, limits_.bytes_per_day));
    };
    constexpr double kFull = 0.999;
    if (std::erase_if(table, [&](const auto& entry) { return share(entry) >= kFull; }) > 0) return;
    table.erase(std::ranges::max_element(table, {}, share));
}

RateTable::Buckets& RateTable::filled(Table& table, const std::string& client,
                                      Steady::time_point now) const {
    auto found = table.find(client);
    if (found == table.end()) {
        if (table.size() >= clients_max_) make_room(table, now);
        const Buckets full{.requests = static_cast<double>(limits_.requests_per_minute),
                           .bytes = static_cast<double>(limits_.bytes_per_day),
                           .filled = now};
        found = table.emplace(client, full).first;
    }
    fill(found->second, now);
    return found->second;
}

std::optional<Seconds> RateTable::take(const std::string& client, std::uint64_t bytes,
                                       Steady::time_point now) {
    if (!on()) return std::nullopt;
    const auto amount = static_cast<double>(bytes);
    const auto wait = table_.with([&](Table& table) {
        Buckets& buckets = filled(table, client, now);
        const auto longest =
            std::max(wait_for(buckets.requests, 1, limits_.requests_per_minute, kMinute),
                     wait_for(buckets.bytes, amount, limits_.bytes_per_day, kDay));
        if (longest > 0) return longest;
        buckets.requests -= 1;
        buckets.bytes -= amount;
        return 0.0;
    });
    if (wait == 0) return std::nullopt;
    return Seconds{std::max<std::int64_t>(1, std::llround(std::ceil(wait)))};
}

void RateTable::charge(const std::string& client, std::uint64_t bytes, Steady::time_point now) {
    if (!on()) return;
    table_.with(
        [&](Table& table) { filled(table, client, now).bytes -= static_cast<double>(bytes); });
}

std::optional<Seconds> Rates::take(std::string_view address, std::uint64_t bytes,
                                   Steady::time_point now) {
    if (!addresses_.on()) return std::nullopt;
    return addresses_.take(client_of(address), bytes, now);
}

std::optional<Seconds> Rates::take(const protocol::PublicKey& pubkey, std::uint64_t bytes,
                                   Steady::time_point now) {
    if (!pubkeys_.on()) return std::nullopt;
    return pubkeys_.take(pubkey.hex(), bytes, now);
}

void Rates::charge(std::string_view address, const std::optional<protocol::PublicKey>& pubkey,
                   std::uint64_t bytes, Steady::time_point now) {
    addresses_.charge(client_of(address), bytes, now);
    if (pubkey) pubkeys_.charge(pubkey->hex(), bytes, now);
}

std::string client_of(std::string_view address) {
    std::array<unsigned char, 16> bytes{};
    std::string text(address);
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
    constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    // "::ffff:192.0.2.1" is an IPv4 client.
    if (std::ranges::equal(kMapped, std::span(bytes).first(12)))
        return std::string(bytes.begin() + 12, bytes.end());
    return std::string(bytes.begin(), bytes.begin() + 8);
}

}  // namespace espalier::gateway
