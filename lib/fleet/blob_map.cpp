#include "fleet/blob_map.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <deque>
#include <limits>
#include <unordered_map>

#include "base/check.h"
#include "base/guarded.h"

namespace espalier::fleet {
namespace {

using base::Steady;
using protocol::BlobHash;

constexpr std::size_t kShardsMax = 64;
constexpr std::size_t kEntriesPerShardMin = 256;
constexpr std::size_t kChunkEntries = 128;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kSizeUnknown = (std::uint64_t{1} << 48U) - 1;

// What is kept of a blob. Times are seconds since the map's epoch, so that 32 bits are plenty.
struct Stored {
    BlobHash hash;
    std::uint64_t servers = 0;
    std::uint64_t size : 48 = kSizeUnknown;
    std::uint64_t type : 15 = 0;
    std::uint64_t used : 1 = 0;  // since the clock hand last passed
    std::uint32_t verified = 0;
    std::uint32_t checked = 0;  // when a re-check was last claimed
    std::uint32_t last_modified = 0;
    std::uint32_t sunset = 0;
};
static_assert(sizeof(Stored) <= 64);

std::uint64_t key_of(const BlobHash& hash) {
    return std::hash<BlobHash>{}(hash);
}

std::uint32_t as_seconds(std::int64_t unix_time) {
    constexpr std::int64_t kLast = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(unix_time, 0, kLast));
}

}  // namespace

// Media types by small number. Few are ever seen; beyond the limit they are "unknown".
class BlobMap::Types {
public:
    std::uint64_t number_of(std::string_view type) {
        if (type.empty()) return 0;
        return numbers_.with([&](auto& numbers) -> std::uint64_t {
            if (const auto found = numbers.find(std::string(type)); found != numbers.end())
                return found->second;
            if (numbers.size() + 1 >= names_.size()) return 0;
            const auto number = numbers.size() + 1;
            const auto& stored = numbers.emplace(std::string(type), number).first->first;
            names_[number].store(&stored, std::memory_order_release);
            return number;
        });
    }
    std::string_view name_of(std::uint64_t number) const {
        const auto* name = names_[number].load(std::memory_order_acquire);
        return name == nullptr ? std::string_view{} : std::string_view{*name};
    }

private:
    // A node-based map: names stay where they are, so readers need no lock.
    base::Guarded<std::unordered_map<std::string, std::uint64_t>> numbers_;
    std::array<std::atomic<const std::string*>, 1024> names_{};
};

// Entries lie in chunks that never move; an open-addressed index of 32-bit positions, at most
// half full, finds them. A clock hand chooses what makes room.
class BlobMap::Shard {
public:
    struct State {
        std::deque<std::array<Stored, kChunkEntries>> chunks;
        std::vector<std::uint32_t> index;  // position or kNone; linear probing
        std::vector<std::uint32_t> free;
        std::uint32_t used = 0;  // positions ever handed out
        std::uint32_t live = 0;
        std::uint32_t hand = 0;
        std::uint64_t evicted = 0;
        Copies copies{};  // [0] counts entries that are being made or unmade
    };

    explicit Shard(std::size_t entries_max)
        : entries_max_(static_cast<std::uint32_t>(entries_max)) {}

    // Runs use(entry or null) under the lock.
    template <class Use>
    auto with_entry(const BlobHash& hash, Use&& use) {
        return state_.with([&](State& state) { return use(find(state, hash)); });
    }
    template <class Use>
    void with_new_entry(const BlobHash& hash, Use&& use) {
        state_.with([&](State& state) {
            Stored& entry = find_or_add(state, hash);
            --count_of(state, entry);
            use(entry);
            ++count_of(state, entry);
        });
    }
    void erase_if(const BlobHash& hash, auto&& condition) {
        state_.with([&](State& state) {
            Stored* const entry = find(state, hash);
            if (entry == nullptr) return;
            --count_of(state, *entry);
            const bool goes = condition(*entry);
            ++count_of(state, *entry);
            if (goes) erase(state, hash);
        });
    }
    void for_each(auto&& use) const {
        state_.with([&](const State& state) {
            for (const auto& chunk : state.chunks)
                for (const Stored& entry : chunk)
                    if (entry.servers != 0) use(entry);
        });
    }
    void add_to(Snapshot& total) const {
        state_.with([&](const State& state) {
            total.entries += state.live;
            total.evicted += state.evicted;
            for (std::size_t n = 1; n < total.copies.size(); ++n)
                total.copies[n] += state.copies[n];
            total.bytes += sizeof(Shard) + state.index.capacity() * sizeof(std::uint32_t) +
                           state.free.capacity() * sizeof(std::uint32_t) +
                           state.chunks.size() * sizeof(state.chunks.front());
        });
    }

private:
    // Where entries with as many copies as this one are counted.
    static std::uint32_t& count_of(State& state, const Stored& entry) {
        return state.copies[static_cast<std::size_t>(std::popcount(entry.servers))];
    }
    static Stored& at(State& state, std::uint32_t position) {
        return state.chunks[position / kChunkEntries][position % kChunkEntries];
    }
    static std::size_t slot_of(const State& state, const BlobHash& hash) {
        return key_of(hash) >> 8U & (state.index.size() - 1);
    }
    static Stored* find(State& state, const BlobHash& hash) {
        if (state.index.empty()) return nullptr;
        for (auto slot = slot_of(state, hash);; slot = (slot + 1) & (state.index.size() - 1)) {
            const auto position = state.index[slot];
            if (position == kNone) return nullptr;
            if (Stored& entry = at(state, position); entry.hash == hash) return &entry;
        }
    }
    static void put_in_index(State& state, const BlobHash& hash, std::uint32_t position) {
        auto slot = slot_of(state, hash);
        while (state.index[slot] != kNone) slot = (slot + 1) & (state.index.size() - 1);
        state.index[slot] = position;
    }
    static void grow_index(State& state) {
        if (state.index.size() >= (state.live + std::size_t{1}) * 2) return;
        std::vector<std::uint32_t> old(std::max<std::size_t>(16, state.index.size() * 2), kNone);
        old.swap(state.index);
        for (const auto position : old)
            if (position != kNone) put_in_index(state, at(state, position).hash, position);
    }
    static std::uint32_t new_position(State& state) {
        if (!state.free.empty()) {
            const auto position = state.free.back();
            state.free.pop_back();
            return position;
        }
        if (state.used % kChunkEntries == 0) state.chunks.emplace_back();
        return state.used++;
    }
    // Frees the first entry the hand meets that was not used since it last came by.
    static void evict_one(State& state) {
        for (;; state.hand = (state.hand + 1) % state.used) {
            Stored& entry = at(state, state.hand);
            if (entry.servers == 0) continue;
            if (entry.used == 0) break;
            entry.used = 0;
        }
        const BlobHash victim = at(state, state.hand).hash;
        erase(state, victim);
        ++state.evicted;
        // Past its place, which the next entry takes: that one is the youngest.
        state.hand = (state.hand + 1) % state.used;
    }
    Stored& find_or_add(State& state, const BlobHash& hash) const {
        if (Stored* const known = find(state, hash)) return *known;
        if (state.live >= entries_max_) evict_one(state);
        grow_index(state);
        const auto position = new_position(state);
        at(state, position) = Stored{};
        at(state, position).hash = hash;
        put_in_index(state, hash, position);
        ++state.live;
        ++count_of(state, at(state, position));
        return at(state, position);
    }
    // Removes the entry and closes the gap in its probe sequence (backward shift).
    static void erase(State& state, const BlobHash& hash) {
        const auto mask = state.index.size() - 1;
        auto gap = slot_of(state, hash);
        while (at(state, state.index[gap]).hash != hash) gap = (gap + 1) & mask;
        const auto position = state.index[gap];
        for (auto next = (gap + 1) & mask; state.index[next] != kNone; next = (next + 1) & mask) {
            const auto home = slot_of(state, at(state, state.index[next]).hash);
            if (((next - home) & mask) < ((next - gap) & mask)) continue;
            state.index[gap] = state.index[next];
            gap = next;
        }
        state.index[gap] = kNone;
        --count_of(state, at(state, position));
        at(state, position) = Stored{};
        state.free.push_back(position);
        --state.live;
    }

    const std::uint32_t entries_max_;
    base::Guarded<State> state_;
};

BlobMap::BlobMap(const Options& options)
    : options_(options), epoch_(Steady::now() - options.ttl), types_(std::make_unique<Types>()) {
    ESPALIER_CHECK(options.entries_max > 0);
    const auto wanted =
        std::clamp<std::size_t>(options.entries_max / kEntriesPerShardMin, 1, kShardsMax);
    const auto shards = std::bit_floor(wanted);
    for (std::size_t i = 0; i < shards; ++i)
        shards_.push_back(std::make_unique<Shard>((options.entries_max + shards - 1) / shards));
}

BlobMap::~BlobMap() = default;

BlobMap::Shard& BlobMap::shard_of(const BlobHash& hash) const {
    return *shards_[key_of(hash) & (shards_.size() - 1)];
}

namespace {

std::uint32_t since(Steady::time_point epoch, Steady::time_point now) {
    const auto age = std::chrono::duration_cast<base::Seconds>(now - epoch).count();
    return as_seconds(std::max<std::int64_t>(age, 0));
}

BlobEntry entry_of(const Stored& stored, Steady::time_point epoch, std::string_view type) {
    BlobEntry entry{.servers = UpstreamSet(stored.servers),
                    .facts = {.size = {},
                              .type = type,
                              .last_modified = stored.last_modified,
                              .sunset = stored.sunset},
                    .verified = epoch + base::Seconds{stored.verified}};
    if (stored.size != kSizeUnknown) entry.facts.size = std::uint64_t{stored.size};
    return entry;
}

// `type`: the number of its media type.
void fill_in(Stored& stored, const BlobFacts& facts, std::uint64_t type) {
    if (facts.size) stored.size = *facts.size & kSizeUnknown;
    if (type != 0) stored.type = type & 0x7fffU;
    if (facts.last_modified != 0) stored.last_modified = as_seconds(facts.last_modified);
    // The blob is there as long as the last of its copies.
    stored.sunset = std::max(stored.sunset, as_seconds(facts.sunset));
}

}  // namespace

std::optional<BlobEntry> BlobMap::find(const BlobHash& hash, Steady::time_point now) {
    return shard_of(hash).with_entry(hash, [&](Stored* stored) -> std::optional<BlobEntry> {
        const auto servers =
            stored == nullptr ? 0 : stored->servers & served_.load(std::memory_order_relaxed);
        if (servers == 0) return std::nullopt;
        auto entry = entry_of(*stored, epoch_, types_->name_of(stored->type));
        if (now - entry.verified > options_.ttl) return std::nullopt;
        entry.servers = UpstreamSet(servers);
        stored->used = 1;
        return entry;
    });
}

void BlobMap::learn(const BlobHash& hash, UpstreamId server, const BlobFacts& facts,
                    Steady::time_point now) {
    if (outdated(hash, now)) return;
    const auto type = types_->number_of(facts.type);
    shard_of(hash).with_new_entry(hash, [&](Stored& stored) {
        // What an expired entry said of other servers is no longer believed.
        if (now - (epoch_ + base::Seconds{stored.verified}) > options_.ttl) stored.servers = 0;
        stored.servers |= std::uint64_t{1} << server;
        stored.verified = since(epoch_, now);
        fill_in(stored, facts, type);
    });
}

std::vector<MappedBlob> BlobMap::newest(std::size_t limit, Steady::time_point now) const {
    const auto newer = [](const MappedBlob& a, const MappedBlob& b) {
        return a.entry.verified > b.entry.verified;
    };
    std::vector<MappedBlob> found;
    for (const auto& shard : shards_) {
        shard->for_each([&](const Stored& stored) {
            auto entry = entry_of(stored, epoch_, types_->name_of(stored.type));
            if (now - entry.verified <= options_.ttl) found.push_back({stored.hash, entry});
        });
        if (found.size() <= limit) continue;
        std::ranges::nth_element(found, found.begin() + static_cast<std::ptrdiff_t>(limit), newer);
        found.resize(limit);
    }
    std::ranges::sort(found, newer);
    return found;
}

void BlobMap::restore(const MappedBlob& blob) {
    const auto& [hash, entry] = blob;
    const auto type = types_->number_of(entry.facts.type);
    shard_of(hash).with_new_entry(hash, [&](Stored& stored) {
        if (stored.servers != 0) return;
        stored.servers = entry.servers.bits();
        stored.verified = since(epoch_, entry.verified);
        fill_in(stored, entry.facts, type);
    });
}

void BlobMap::forget(const BlobHash& hash, UpstreamId server) {
    shard_of(hash).erase_if(hash, [&](Stored& stored) {
        stored.servers &= ~(std::uint64_t{1} << server);
        return stored.servers == 0;
    });
}

void BlobMap::deleted(const BlobHash& hash, Steady::time_point now) {
    constexpr std::size_t kDeletesMax = 4096;
    constexpr base::Seconds kLongestQuestion{60};
    deleted_.with([&](auto& deletes) {
        if (deletes.size() >= kDeletesMax)
            std::erase_if(deletes,
                          [&](const auto& one) { return one.second + kLongestQuestion < now; });
        if (deletes.size() < kDeletesMax) deletes.insert_or_assign(hash, now);
    });
    shard_of(hash).erase_if(hash, [](const Stored&) { return true; });
}

bool BlobMap::outdated(const BlobHash& hash, Steady::time_point asked) const {
    return deleted_.with([&](const auto& deletes) {
        const auto found = deletes.find(hash);
        return found != deletes.end() && asked <= found->second;
    });
}

bool BlobMap::claim_check(const BlobHash& hash, Steady::time_point now,
                          base::Milliseconds interval) {
    const auto seconds = std::chrono::ceil<base::Seconds>(interval).count();
    return shard_of(hash).with_entry(hash, [&](Stored* stored) {
        if (stored == nullptr) return false;
        const auto today = since(epoch_, now);
        const auto last = std::max(stored->checked, stored->verified);
        if (today < last + as_seconds(seconds)) return false;
        stored->checked = today;
        return true;
    });
}

BlobMap::Snapshot BlobMap::snapshot() const {
    Snapshot total;
    for (const auto& shard : shards_) shard->add_to(total);
    return total;
}

}  // namespace espalier::fleet
