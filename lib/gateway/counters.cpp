#include "gateway/counters.h"

#include <algorithm>

#include "base/text.h"

namespace espalier::gateway {
namespace {

constexpr std::array<std::string_view, 6> kMethodNames{"GET",    "HEAD",    "PUT",
                                                       "DELETE", "OPTIONS", "other"};
// Every status that a gateway gives; the last place is for what is not here.
constexpr std::array kStatusNames{200, 201, 204, 206, 302, 304, 307, 308, 400, 401, 402,
                                  403, 404, 405, 408, 409, 410, 411, 413, 414, 415, 416,
                                  417, 429, 431, 500, 501, 502, 503, 504, 505, 0};
constexpr std::array<std::string_view, 3> kUploadNames{"met", "failed", "aborted"};

template <class Names, class Value>
std::size_t place_of(const Names& names, const Value& value) {
    const auto found = std::ranges::find(names, value);
    return std::min<std::size_t>(static_cast<std::size_t>(found - names.begin()), names.size() - 1);
}

}  // namespace

void Counters::count_request(std::string_view method, Route route, int status) {
    static_assert(kStatusNames.size() == kStatuses && kMethodNames.size() == kMethods);
    auto& count = (*requests_)[place_of(kMethodNames, method)][static_cast<std::size_t>(route)]
                              [place_of(kStatusNames, status)];
    count.fetch_add(1, std::memory_order_relaxed);
}

void Counters::count_refusal(protocol::AuthRefusal why) {
    refusals_.at(static_cast<std::size_t>(why)).fetch_add(1, std::memory_order_relaxed);
}

void Counters::count_upload(Quorum result) {
    uploads_.at(static_cast<std::size_t>(result)).fetch_add(1, std::memory_order_relaxed);
}

void Counters::count_proxied(std::uint64_t bytes, std::uint64_t failovers,
                             std::uint64_t mismatches) {
    proxied_.fetch_add(1, std::memory_order_relaxed);
    proxied_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    failovers_.fetch_add(failovers, std::memory_order_relaxed);
    mismatches_.fetch_add(mismatches, std::memory_order_relaxed);
}

std::uint64_t Counters::requests() const {
    std::uint64_t sum = 0;
    for (const auto& routes : *requests_)
        for (const auto& statuses : routes)
            for (const auto& count : statuses) sum += count.load(std::memory_order_relaxed);
    return sum;
}

std::uint64_t Counters::blob_reads(std::initializer_list<int> statuses) const {
    const auto& of_blobs =
        (*requests_)[place_of(kMethodNames, "GET")][static_cast<std::size_t>(Route::blob)];
    std::uint64_t sum = 0;
    for (const int status : statuses)
        sum += of_blobs[place_of(kStatusNames, status)].load(std::memory_order_relaxed);
    return sum;
}

metrics::Reads Counters::reads() const {
    return {.map_hits = map_hits_,
            .map_misses = map_misses_,
            .redirects = blob_reads({302, 307, 308}),
            .not_found = blob_reads({404}),
            .proxied = proxied_,
            .proxied_bytes = proxied_bytes_,
            .failovers = failovers_};
}

std::vector<metrics::Refusal> Counters::refusals() const {
    std::vector<metrics::Refusal> all;
    all.reserve(refusals_.size());
    for (std::size_t why = 0; why < refusals_.size(); ++why)
        all.push_back({name_of(static_cast<protocol::AuthRefusal>(why)), refusals_[why]});
    return all;
}

void Counters::describe(metrics::Exposition& out) const {
    for (std::size_t m = 0; m < kMethods; ++m)
        for (std::size_t r = 0; r < kRoutes; ++r)
            for (std::size_t s = 0; s < kStatuses; ++s) {
                const auto count = (*requests_)[m][r][s].load(std::memory_order_relaxed);
                if (count == 0) continue;
                out.counter("blossom_gw_requests_total", "Requests answered", count,
                            {{"method", kMethodNames[m]},
                             {"route", name_of(static_cast<Route>(r))},
                             {"code", base::text(kStatusNames[s])}});
            }
    for (std::size_t why = 0; why < refusals_.size(); ++why)
        out.counter("blossom_gw_auth_rejects_total", "Tokens refused", refusals_[why].load(),
                    {{"reason", name_of(static_cast<protocol::AuthRefusal>(why))}});
    for (std::size_t result = 0; result < uploads_.size(); ++result)
        out.counter("blossom_gw_uploads_quorum_total", "Uploads by what became of the quorum",
                    uploads_[result].load(), {{"result", kUploadNames[result]}});
    out.counter("blossom_gw_rate_limited_total",
                "Requests refused because of an address's or a key's rates", rate_limited_.load());
    out.counter("blossom_gw_proxied_total", "Bodies fetched for clients", proxied_.load());
    out.counter("blossom_gw_proxied_bytes_total", "Bytes of them that clients got",
                proxied_bytes_.load());
    out.counter("blossom_gw_proxy_failovers_total",
                "Times that another server went on with such a body", failovers_.load());
    out.counter("blossom_gw_proxy_mismatches_total",
                "Such bodies whose digest did not agree with their name", mismatches_.load());
    out.counter("blossom_gw_map_hits_total", "Reads answered from the map", map_hits_.load());
    out.counter("blossom_gw_map_misses_total", "Reads that needed a lookup", map_misses_.load());
}

}  // namespace espalier::gateway
