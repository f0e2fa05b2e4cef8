// Hundreds of operations while a real server, and then the gateway itself, is killed.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <random>

#include <doctest/doctest.h>

#include "flow/gateway.h"
#include "flow/store.h"

namespace espalier::test {
namespace {

constexpr int kOperations = 500;
constexpr std::uint8_t kService = 9;
constexpr base::Milliseconds kMinute{60'000};

enum class Fate : std::uint8_t {
    stored,
    deleted,         // everywhere
    partly_deleted,  // the client was told so
};

// Three stores, the gateway, and a client who remembers what it was told.
class Run {
public:
    Run()
        : gateway({stores_[0].url(), stores_[1].url(), stores_[2].url()},
                  {.server_keys = base::text("  service_key: ", test_key(kService).nsec(),
                                             "\n  probe_interval: 500ms\n"
                                             "  repair_interval: 1s\n  timeout: 5s\n"
                                             "  max_retries: 0\n"
                                             "  mirror_private_origins: true\n"),
                   .repairs = true}) {}

    Store& last() { return stores_[2]; }

    void operate() {
        switch (dice_() % 5) {
            case 0:
            case 1:
                return upload();
            case 2:
                return mirror();
            case 3:
                return remove();
            default:
                return read();
        }
    }

    // What is stored is everywhere, what was deleted nowhere. With `partly`: what the client was
    // told to be left is gone, too. Else where that is not so.
    std::string unsettled(bool partly) {
        for (const auto& [hash, fate] : fates_) {
            if (fate == Fate::partly_deleted && !partly) continue;
            const bool wanted = fate == Fate::stored;
            for (const auto& store : stores_)
                if (store.has_blob(hash) != wanted)
                    return base::text(store.url(), '/', hash, wanted ? " is missing" : " is there");
        }
        return {};
    }
    bool wait_for(const std::function<bool()>& holds) { return origin_.wait_for(holds, kMinute); }
    bool settles_within_a_minute(bool partly) {
        const bool settled = wait_for([&] { return unsettled(partly).empty(); });
        if (!settled) MESSAGE(unsettled(partly));
        return settled;
    }
    std::size_t count(Fate fate) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(fates_, [&](const auto& entry) { return entry.second == fate; }));
    }

private:
    std::string fresh_body() { return some_bytes(1 + dice_() % 20'000, ++bodies_); }

    void upload() {
        const auto body = fresh_body();
        CHECK(gateway.put(body).status == 201);
        fates_[sha256_hex(body)] = Fate::stored;
    }
    void mirror() {
        const auto hash = origin_.put_blob(fresh_body());
        const auto url = base::text(R"({"url":")", origin_.url(), '/', hash, R"("})");
        const auto reply = gateway.request(
            "PUT", "/mirror",
            {{"Authorization", token({.xs = {hash}})}, {"Content-Type", "application/json"}}, url);
        CHECK(reply.status == 201);
        fates_[hash] = Fate::stored;
    }
    // Any that is stored; "" when there is none.
    std::string pick() {
        std::vector<std::string> stored;
        for (const auto& [hash, fate] : fates_)
            if (fate == Fate::stored) stored.push_back(hash);
        return stored.empty() ? std::string() : stored[dice_() % stored.size()];
    }
    void remove() {
        const auto hash = pick();
        if (hash.empty()) return;
        const auto status = gateway.remove(hash).status;
        CHECK((status == 204 || status == 502 || status == 504));
        fates_[hash] = status == 204 ? Fate::deleted : Fate::partly_deleted;
    }
    void read() {
        const auto hash = pick();
        if (hash.empty()) return;
        CHECK(gateway.get(hash).status == 307);
    }

    std::array<Store, 3> stores_;
    FakeServer origin_;
    std::mt19937 dice_{20};  // NOLINT(bugprone-random-generator-seed): every run is the same
    std::uint32_t bodies_ = 0;
    std::map<std::string, Fate> fates_;

public:
    Gateway gateway;
};

}  // namespace

TEST_CASE("a server is killed in the middle of 500 operations, and nothing is lost") {
    Run run;
    for (int i = 0; i < kOperations; ++i) {
        if (i == kOperations / 3) run.last().kill();
        if (i == 2 * kOperations / 3) run.last().restart();
        run.operate();
    }
    CHECK(run.count(Fate::stored) > 100);
    CHECK(run.count(Fate::deleted) > 10);
    CHECK(run.count(Fate::partly_deleted) > 10);
    CHECK(run.settles_within_a_minute(true));
}

TEST_CASE("the gateway is killed in the middle of the repair as well, and nothing is lost") {
    Run run;
    for (int i = 0; i < kOperations; ++i) {
        if (i == kOperations / 3) run.last().kill();
        run.operate();
    }
    const auto missing = run.gateway.metric("blossom_gw_replicas_pending");
    CHECK(missing > 50);
    run.last().restart();
    const auto pending = [&] { return run.gateway.metric("blossom_gw_replicas_pending"); };
    CHECK(run.wait_for([&] { return pending() < missing - missing / 4; }));
    run.gateway.restart(SIGKILL);
    CHECK(pending() > 0);
    CHECK(run.settles_within_a_minute(false));
    CHECK(pending() == 0);
}

}  // namespace espalier::test
