// A World is everything that the verbs over many servers need, around real FakeServers, with
// verbs for tests.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fanout/confirm.h"
#include "fanout/upload.h"
#include "support/fake_server.h"
#include "support/temp_dir.h"

namespace espalier::test {

struct WorldOptions {
    int servers = 3;
    std::uint32_t max_failures = 5;
    std::uint64_t memory = 1ULL << 40U;
    std::uint64_t disk = 1ULL << 40U;
    std::uint64_t window = 8ULL << 20U;
    // Of the confirmations after an upload.
    std::vector<base::Milliseconds> retries{base::Milliseconds{1}, base::Milliseconds{1},
                                            base::Milliseconds{1}};
};

class World {
public:
    World() : World(WorldOptions{}) {}
    explicit World(const WorldOptions& options);
    ~World();

    FakeServer& server(std::size_t i) { return *servers[i]; }
    fanout::Network network() { return {engine, *fleet, map, clock, log}; }
    fanout::Upload::Resources resources() {
        return {memory,
                disk,
                {.window_bytes = options.window, .folder = folder.path().string()},
                *ledger,
                confirmer};
    }
    // Waits until `holds()`.
    bool wait_for(const std::function<bool()>& holds) { return servers.front()->wait_for(holds); }
    // Waits until everything that was rung on the mover before has been stepped.
    void flush_mover();
    fleet::UpstreamSnapshot snapshot(std::size_t i) const { return fleet->snapshot().at(i); }
    bool lists(const protocol::BlobHash& hash, fleet::UpstreamId id) {
        const auto entry = map.find(hash, base::Steady::now());
        return entry && entry->servers.has(id);
    }

    const WorldOptions options;
    TempDir folder;
    std::vector<std::unique_ptr<FakeServer>> servers;
    base::SystemClock clock;
    base::Log log{{.level = base::Level::error, .path = {}}};
    std::unique_ptr<fleet::Fleet> fleet;
    fleet::BlobMap map{{.entries_max = 1000, .ttl = base::Seconds{300}}};
    std::unique_ptr<ledger::Ledger> ledger;
    base::Budget memory, disk;
    engine::Engine engine{{.ca_file = {}}};
    fanout::Mover mover;
    fanout::Confirmer confirmer;
};

// An Upload and the worker that feeds it.
class Sender {
public:
    struct Plan {
        std::string body;
        int quorum = 2;
        bool verify_first = false;
        bool length_known = true;
        bool promise_hash = true;
        std::vector<fleet::Outcome> left_out;
        base::Milliseconds patience{60'000};
    };
    Sender(World& world, Plan plan);

    // Appends body[from, to); false when that did not happen in time.
    bool pour(std::size_t from, std::size_t to);
    bool pour_all() { return pour(0, plan_.body.size()); }
    void release() { upload_->release(hash_); }
    // Waits until `holds(status)`; the status then, or the last one when it never did.
    fanout::UploadStatus wait_for(const std::function<bool(const fanout::UploadStatus&)>& holds);
    fanout::UploadStatus wait_for_all() {
        return wait_for([](const auto& status) { return status.all_decided(); });
    }
    // Pours, releases and waits for every server.
    fanout::UploadStatus send();

    fanout::Upload& operator*() { return *upload_; }
    fanout::Upload* operator->() { return upload_.get(); }
    const protocol::BlobHash& hash() const { return hash_; }
    std::string hex() const { return hash_.hex(); }
    const std::string& body() const { return plan_.body; }

private:
    const Plan plan_;
    const protocol::BlobHash hash_;
    std::shared_ptr<fanout::Upload> upload_;
};

inline std::vector<std::unique_ptr<FakeServer>> start_servers(int count) {
    std::vector<std::unique_ptr<FakeServer>> all;
    for (int i = 0; i < count; ++i) all.push_back(std::make_unique<FakeServer>());
    return all;
}

// Priority 0 is the first server's, and so on.
inline std::vector<fleet::Upstream> upstreams_of(
    const std::vector<std::unique_ptr<FakeServer>>& servers) {
    std::vector<fleet::Upstream> all;
    for (const auto& server : servers) {
        const auto number = static_cast<int>(all.size());
        all.push_back({.id = static_cast<fleet::UpstreamId>(number),
                       .url = *engine::Url::parse(server->url()),
                       .priority = number,
                       .connect_to = {},
                       .max_token_age = {}});
    }
    return all;
}

inline World::World(const WorldOptions& wanted)
    : options(wanted),
      servers(start_servers(wanted.servers)),
      fleet(std::make_unique<fleet::Fleet>(
          fleet::Fleet::Options{upstreams_of(servers), wanted.max_failures}, clock)),
      ledger(std::move(*ledger::Ledger::open(":memory:"))),
      memory(wanted.memory),
      disk(wanted.disk),
      confirmer({.patience = base::Milliseconds{20'000}, .retries = wanted.retries}, network(),
                mover) {
    mover.start();
}

inline World::~World() {
    mover.stop(base::Deadline::after(base::Milliseconds{0}));
}

inline void World::flush_mover() {
    struct Once : fanout::Job {
        using Job::Job;
        std::optional<base::Deadline> step(base::Steady::time_point) override {
            done.ring();
            return std::nullopt;
        }
        base::Bell done;
    };
    // Twice: what was rung together with the first may come after it.
    for (int i = 0; i < 2; ++i) {
        const auto once = std::make_shared<Once>(mover);
        mover.add(once);
        once->done.wait(base::Deadline::after(kPatience));
    }
}

inline Sender::Sender(World& world, Plan plan)
    : plan_(std::move(plan)), hash_(base::Sha256::of(plan_.body)) {
    fanout::UploadPlan to;
    for (const auto& upstream : world.fleet->upstreams()) {
        bool left = false;
        for (const auto& out : plan_.left_out) left = left || out.upstream == upstream.id;
        if (left) continue;
        base::Headers headers{{"Content-Type", "text/plain"}};
        headers.add("X-Leg", std::to_string(upstream.id));
        to.targets.push_back({upstream.id, headers});
    }
    to.left_out = plan_.left_out;
    to.quorum = plan_.quorum;
    if (plan_.length_known) to.body_bytes = plan_.body.size();
    if (plan_.promise_hash) to.promised = hash_;
    to.verify_first = plan_.verify_first;
    to.deadline = base::Deadline::after(plan_.patience);
    upload_ = std::make_shared<fanout::Upload>(world.mover, world.network(), world.resources(),
                                               std::move(to));
    world.mover.add(upload_);
}

inline bool Sender::pour(std::size_t from, std::size_t to) {
    const auto deadline = base::Deadline::after(kPatience);
    while (from < to) {
        upload_->worker_bell().clear();
        const auto room = upload_->room(to - from);
        if (room.empty()) {
            if (!upload_->wait_for_room(deadline)) return false;
            continue;
        }
        const auto n = std::min(room.size(), to - from);
        std::memcpy(room.data(), plan_.body.data() + from, n);
        upload_->commit(n);
        from += n;
    }
    return true;
}

inline fanout::UploadStatus Sender::wait_for(
    const std::function<bool(const fanout::UploadStatus&)>& holds) {
    const auto deadline = base::Deadline::after(kPatience);
    for (;;) {
        upload_->worker_bell().clear();
        auto status = upload_->status();
        if (holds(status) || deadline.passed()) return status;
        upload_->worker_bell().wait(deadline);
    }
}

inline fanout::UploadStatus Sender::send() {
    pour_all();
    release();
    return wait_for_all();
}

}  // namespace espalier::test
