#include "fanout/list.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/text.h"
#include "protocol/descriptor.h"
#include "protocol/json_items.h"
#include "protocol/mime.h"

namespace espalier::fanout {
namespace {

using engine::Pipe;
using fleet::Outcome;
using fleet::OutcomeKind;
using protocol::BlobHash;

constexpr std::size_t kPipeBytes = 256UL * 1024;
// How many items are asked for at once; servers may give fewer.
constexpr int kPageItems = 1000;
// No server has smaller pages: a shorter one is the last.
constexpr std::size_t kShortPage = 50;
constexpr std::size_t kTypesMax = 4096;

// Every type once.
class TypeTable {
public:
    std::uint32_t index_of(std::string_view type) {
        auto clean = protocol::clean_mime(type);
        if (types_.size() >= kTypesMax) return known_.contains(clean) ? known_.at(clean) : 0;
        const auto [found, fresh] =
            known_.try_emplace(clean, static_cast<std::uint32_t>(types_.size()));
        if (fresh) types_.push_back(std::move(clean));
        return found->second;
    }
    std::vector<std::string> take() { return std::move(types_); }

private:
    std::vector<std::string> types_;
    std::unordered_map<std::string, std::uint32_t> known_;
};

// One upstream's side of the list.
struct Leg {
    fleet::UpstreamId upstream;
    engine::TransferRequest request;  // for its first page
    std::shared_ptr<Pipe> pipe = {};
    engine::Transfer transfer = {};
    std::uint64_t bytes_left = 0;
    bool done = false;
    // Of the page that is being read.
    protocol::JsonItems items{protocol::kDescriptorBytesMax};
    bool readable = true;  // it is an array so far
    std::size_t count = 0;
    std::optional<BlobHash> first = {}, last = {};
    // Of the page before.
    std::optional<BlobHash> first_before = {};
};

class Lister {
public:
    Lister(Network network, const ListPlan& plan) : network_(network) {
        for (const auto& target : plan.targets) {
            auto request = request_to(network_.fleet.at(target.upstream), "GET",
                                      base::text("/list/", plan.pubkey.hex()), plan.deadline);
            request.headers.add("Accept", "application/json");
            if (!target.authorization.empty())
                request.headers.add("Authorization", target.authorization);
            legs_.push_back({.upstream = target.upstream,
                             .request = std::move(request),
                             .bytes_left = plan.bytes_max});
            list_.outcomes.push_back({.upstream = target.upstream, .reason = {}});
        }
        unknown_type_ = types_.index_of(protocol::kUnknownMime);
        for (const auto& [upstream, blob] : plan.known) add(upstream, blob);
    }

    BlobList run() {
        for (Leg& leg : legs_) begin(leg);
        for (;;) {
            bell_->clear();
            bool all_done = true;
            for (Leg& leg : legs_) {
                if (!leg.done) advance(leg);
                all_done = all_done && leg.done;
            }
            if (all_done) break;
            bell_->wait(base::Deadline::never());  // every exchange ends at its deadline
        }
        merge(list_.blobs, unknown_type_);
        list_.types = types_.take();
        return std::move(list_);
    }

private:
    void begin(Leg& leg) {
        auto request = leg.request;
        auto query = base::text("limit=", kPageItems);
        if (leg.last) query += "&cursor=" + leg.last->hex();
        request.url = request.url.with_query(query);
        leg.items = protocol::JsonItems(protocol::kDescriptorBytesMax);
        leg.first_before = std::exchange(leg.first, std::nullopt);
        leg.count = 0;
        leg.pipe = std::make_shared<Pipe>(kPipeBytes, bell_);
        request.download = leg.pipe;
        leg.transfer = start(network_, network_.fleet.at(leg.upstream), std::move(request), bell_);
    }

    void advance(Leg& leg) {
        // Asked before reading: what has come by then is read below.
        const bool over = leg.transfer.decided();
        const auto status = leg.transfer.state().response.status;
        const bool good = status >= 200 && status < 300;
        if (!read(leg, good)) return finish(leg, cut_short(leg));
        if (!over) return;
        finish(leg, outcome_of_page(leg, good));
    }

    // Empties the Pipe; false when the page is not read to its end.
    bool read(Leg& leg, bool good) {
        std::array<std::byte, 16UL * 1024> buffer;
        for (;;) {
            const auto n = leg.pipe->read(buffer);
            if (n == 0) return true;
            if (!good) continue;  // an error's body
            if (n > leg.bytes_left) return false;
            leg.bytes_left -= n;
            const std::string_view bytes(reinterpret_cast<const char*>(buffer.data()), n);
            if (!leg.items.push(bytes, [&](std::string_view item) { add(leg, item); })) {
                leg.readable = false;
                return false;
            }
        }
    }

    void add(Leg& leg, std::string_view item) {
        const auto descriptor = protocol::parse_descriptor(item);
        if (!descriptor) return;
        ++leg.count;
        if (!leg.first) leg.first = descriptor->sha256;
        leg.last = descriptor->sha256;
        add(leg.upstream, *descriptor);
    }

    void add(fleet::UpstreamId upstream, const protocol::Descriptor& descriptor) {
        ListedBlob blob{.hash = descriptor.sha256,
                        .size = descriptor.size,
                        .uploaded = std::max<std::int64_t>(descriptor.uploaded, 0),
                        .type = types_.index_of(descriptor.type)};
        blob.servers.add(upstream);
        list_.blobs.push_back(blob);
    }

    Outcome cut_short(Leg& leg) const {
        Outcome outcome{.upstream = leg.upstream,
                        .kind = OutcomeKind::ok,
                        .status = leg.transfer.state().response.status,
                        .reason = "its list is too long to be read whole"};
        if (leg.readable) {
            network_.log.warning("a list was cut: it is too long",
                                 {{"upstream", network_.fleet.host(leg.upstream)}});
        } else {
            outcome.kind = OutcomeKind::upstream_fault;
            outcome.reason = "its list is no JSON array";
        }
        return outcome;
    }

    Outcome outcome_of_page(const Leg& leg, bool good) const {
        auto outcome = outcome_of(network_.fleet.at(leg.upstream), leg.transfer.state(), true);
        if (good && outcome.kind == OutcomeKind::ok && !leg.items.complete()) {
            outcome.kind = OutcomeKind::upstream_fault;
            outcome.reason = "its list is no JSON array";
        }
        return outcome;
    }

    void finish(Leg& leg, Outcome outcome) {
        record(network_, fleet::Op::list, outcome, leg.transfer.state());
        leg.transfer = {};
        const bool more = outcome.kind == OutcomeKind::ok && leg.items.complete() &&
                          leg.count >= kShortPage && leg.first != leg.first_before;
        if (more) return begin(leg);
        leg.done = true;
        const auto index = static_cast<std::size_t>(&leg - legs_.data());
        list_.outcomes[index] = std::move(outcome);
    }

    Network network_;
    const std::shared_ptr<base::Bell> bell_ = std::make_shared<base::Bell>();
    std::vector<Leg> legs_;
    BlobList list_;
    TypeTable types_;
    std::uint32_t unknown_type_ = 0;
};

// Adds what another upstream said of the same blob.
void join(ListedBlob& blob, const ListedBlob& other, std::uint32_t unknown_type) {
    if (blob.size == 0) blob.size = other.size;
    if (blob.type == unknown_type) blob.type = other.type;
    const bool stated = blob.uploaded != 0 && other.uploaded != 0;
    blob.uploaded =
        stated ? std::min(blob.uploaded, other.uploaded) : std::max(blob.uploaded, other.uploaded);
    blob.servers = fleet::UpstreamSet(blob.servers.bits() | other.servers.bits());
}

}  // namespace

void merge(std::vector<ListedBlob>& blobs, std::uint32_t unknown_type) {
    std::ranges::stable_sort(blobs, {}, &ListedBlob::hash);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
        if (kept > 0 && blobs[kept - 1].hash == blobs[i].hash)
            join(blobs[kept - 1], blobs[i], unknown_type);
        else
            blobs[kept++] = blobs[i];
    }
    blobs.resize(kept);
    // Stable: blobs of the same second stay in the order of their hashes.
    std::ranges::stable_sort(blobs, std::greater{}, &ListedBlob::uploaded);
}

base::Result<std::span<const ListedBlob>> part_of(std::span<const ListedBlob> blobs,
                                                  const protocol::ListQuery& query) {
    if (query.cursor) {
        const auto at = std::ranges::find(blobs, *query.cursor, &ListedBlob::hash);
        if (at == blobs.end())
            return base::fail(base::ErrorKind::invalid,
                              "the cursor is not one of this list's blobs", base::Origin::client);
        blobs = blobs.subspan(static_cast<std::size_t>(at - blobs.begin()) + 1);
    }
    // Newest first: what is too new stands in front, what is too old at the end.
    const auto begin = std::ranges::find_if(blobs, [&](const ListedBlob& blob) {
        return !query.until || blob.uploaded <= *query.until;
    });
    const auto end = std::find_if(begin, blobs.end(), [&](const ListedBlob& blob) {
        return query.since && blob.uploaded < *query.since;
    });
    const std::span<const ListedBlob> part(begin, end);
    return part.first(std::min(part.size(), query.limit));
}

BlobList list_blobs(Network network, const ListPlan& plan) {
    return Lister(network, plan).run();
}

}  // namespace espalier::fanout
