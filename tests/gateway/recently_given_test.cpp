// The same client asking again for the same blob gets another replica, for ten seconds.
#include "gateway/recently_given.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace espalier;
using base::Milliseconds;
using base::Seconds;
using gateway::RecentlyGiven;

namespace {

protocol::BlobHash blob(int n) {
    return protocol::BlobHash(base::Sha256::of(std::to_string(n)));
}

}  // namespace

TEST_CASE("what was given to a client for a blob is known for ten seconds") {
    RecentlyGiven given(1);
    const auto now = base::Steady::now();
    given.put("10.0.0.1", blob(1), 5, now);
    CHECK(given.get("10.0.0.1", blob(1), now) == 5);
    CHECK(given.get("10.0.0.1", blob(1), now + Seconds{9}) == 5);
    CHECK(given.get("10.0.0.1", blob(1), now + Seconds{12}) == std::nullopt);
}

TEST_CASE("other clients and other blobs are not concerned") {
    RecentlyGiven given(1);
    const auto now = base::Steady::now();
    given.put("10.0.0.1", blob(1), 5, now);
    CHECK(given.get("10.0.0.2", blob(1), now) == std::nullopt);
    CHECK(given.get("10.0.0.1", blob(2), now) == std::nullopt);
    CHECK(given.get("", blob(1), now) == std::nullopt);
}

TEST_CASE("the last one given counts, the first upstream included") {
    RecentlyGiven given(1);
    const auto now = base::Steady::now();
    given.put("a", blob(1), 63, now);
    given.put("a", blob(1), 0, now + Seconds{1});
    CHECK(given.get("a", blob(1), now + Seconds{2}) == 0);
    CHECK(given.get("a", blob(1), now + Seconds{11}) == 0);
}

TEST_CASE("an empty table knows nothing") {
    const RecentlyGiven given(1);
    for (int n = 0; n < 1000; ++n)
        CHECK(given.get("a", blob(n), base::Steady::now()) == std::nullopt);
}

TEST_CASE("entries that overwrite each other are forgotten, hardly ever mistaken") {
    RecentlyGiven given(99);
    const auto now = base::Steady::now();
    constexpr int kEntries = 100'000;
    for (int n = 0; n < kEntries; ++n)
        given.put("client", blob(n), static_cast<fleet::UpstreamId>(n % 64), now);
    int known = 0;
    int wrong = 0;
    for (int n = 0; n < kEntries; ++n) {
        const auto found = given.get("client", blob(n), now);
        if (found) ++known;
        if (found && *found != n % 64) ++wrong;
    }
    CHECK(known > 40'000);
    CHECK(known <= 65'536);
    CHECK(wrong <= 5);
}

TEST_CASE("threads may put and get at once") {
    RecentlyGiven given(7);
    const auto now = base::Steady::now();
    std::vector<std::jthread> threads;
    std::atomic<int> wrong{0};
    for (int id = 0; id < 4; ++id)
        threads.emplace_back([&, id] {
            const auto mine = static_cast<fleet::UpstreamId>(id);
            const auto client = std::to_string(id);
            for (int n = 0; n < 5000; ++n) {
                given.put(client, blob(n % 50), mine, now);
                const auto found = given.get(client, blob(n % 50), now);
                if (found && *found != mine) ++wrong;
            }
        });
    threads.clear();
    CHECK(wrong == 0);
}
