#include "ledger/ledger.h"

#include <algorithm>
#include <csignal>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temp_dir.h"

using namespace espalier;
using ledger::Ledger;
using ledger::MapRow;
using protocol::BlobHash;

namespace {

const std::string kOne = "https://one.example";
const std::string kTwo = "https://two.example";
const std::string kAlice(64, 'a');

BlobHash hash_number(int n) {
    return BlobHash(base::Sha256::of(std::to_string(n)));
}

std::unique_ptr<Ledger> open(const std::string& path = ":memory:",
                             const ledger::Options& options = {}) {
    auto opened = Ledger::open(path, options);
    REQUIRE(opened);
    return std::move(*opened);
}

// A process that runs `work` on a ledger of its own and is then killed without warning.
template <class Work>
void die_after(const std::string& path, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto book = Ledger::open(path);
        if (!book || !work(**book)) ::_exit(1);
        ::kill(::getpid(), SIGKILL);
        ::_exit(2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
}

// The server that MapRow names, if it names one.
std::vector<std::string> servers_of(const std::vector<MapRow>& rows, const BlobHash& hash) {
    const auto row = std::ranges::find(rows, hash, &MapRow::hash);
    return row == rows.end() ? std::vector<std::string>{} : row->servers;
}

}  // namespace

TEST_CASE("a missing replica is listed until it arrives") {
    auto book = open();
    REQUIRE(book->add_missing(hash_number(1), {kOne, kTwo}, 100));
    CHECK(book->missing_count() == 2);
    REQUIRE(book->no_longer_missing(hash_number(1), kOne));
    REQUIRE(book->add_missing(hash_number(2), {kOne}, 200));  // waits for what came before

    const auto left = book->missing(10);
    REQUIRE(left.size() == 2);
    CHECK(left[0].hash == hash_number(1));
    CHECK(left[0].server_url == kTwo);
    CHECK(left[0].since == 100);
    CHECK(left[1].hash == hash_number(2));
    CHECK(book->missing_count() == 2);
}

TEST_CASE("what is known already keeps its age and is counted once") {
    auto book = open();
    REQUIRE(book->add_missing(hash_number(1), {kOne}, 100));
    REQUIRE(book->add_missing(hash_number(1), {kOne, kTwo}, 200));
    CHECK(book->missing_count() == 2);
    CHECK(book->missing(10, kOne).at(0).since == 100);
    CHECK(book->missing(10, kTwo).at(0).since == 200);
}

TEST_CASE("the oldest come first, as many as asked for") {
    auto book = open();
    for (int i = 0; i < 10; ++i) REQUIRE(book->add_missing(hash_number(i), {kOne}, 1000 - i));
    const auto oldest = book->missing(3);
    REQUIRE(oldest.size() == 3);
    CHECK(oldest[0].hash == hash_number(9));
    CHECK(oldest[2].hash == hash_number(7));
}

TEST_CASE("one server's missing blobs are found behind another's") {
    auto book = open();
    for (int i = 0; i < 10; ++i) REQUIRE(book->add_missing(hash_number(i), {kOne}, i));
    REQUIRE(book->add_missing(hash_number(50), {kTwo}, 50));
    const auto found = book->missing(2, kTwo);
    REQUIRE(found.size() == 1);
    CHECK(found[0].hash == hash_number(50));
    CHECK(book->missing(2, "https://stranger.example").empty());
}

TEST_CASE("a server that is forgotten and a blob that is deleted miss nothing any more") {
    auto book = open();
    for (int i = 0; i < 3; ++i) REQUIRE(book->add_missing(hash_number(i), {kOne, kTwo}, i));
    REQUIRE(book->forget_server(kOne));
    CHECK(book->missing_count() == 3);
    REQUIRE(book->bury(hash_number(2), "", 1000, 100));
    CHECK(book->missing_count() == 2);
    CHECK(book->missing(10, kOne).empty());
    REQUIRE(book->add_missing(hash_number(7), {kOne}, 7));
    CHECK(book->missing(10, kOne).size() == 1);
}

TEST_CASE("the arrival of a replica that nobody missed is harmless") {
    auto book = open();
    REQUIRE(book->no_longer_missing(hash_number(1), kOne));
    REQUIRE(book->add_missing(hash_number(2), {}, 1));
    CHECK(book->missing_count() == 0);
}

TEST_CASE("a full repair queue refuses the whole entry and keeps what it has") {
    auto book = open(":memory:", {.missing_max = 2});
    REQUIRE(book->add_missing(hash_number(1), {kOne}, 1));
    const auto refused = book->add_missing(hash_number(2), {kOne, kTwo}, 2);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == base::ErrorKind::unavailable);
    CHECK(book->missing_count() == 1);
    CHECK(book->add_missing(hash_number(1), {kOne}, 3));
    CHECK(book->add_missing(hash_number(1), {kTwo}, 3));
    CHECK(book->add_missing(hash_number(1), {kOne, kTwo}, 3));
}

TEST_CASE("a missing replica knows who stored the blob first") {
    auto book = open();
    REQUIRE(book->add_missing(hash_number(1), {kOne}, 1, kAlice));
    REQUIRE(book->add_missing(hash_number(1), {kOne}, 2, "somebody else"));
    REQUIRE(book->missing(5).size() == 1);
    CHECK(book->missing(5).front().owner == kAlice);
}

TEST_CASE("one server's missing replicas are read in pages") {
    auto book = open();
    for (int n = 0; n < 10; ++n) REQUIRE(book->add_missing(hash_number(n), {kOne, kTwo}, n / 4));
    std::set<protocol::BlobHash> seen;
    std::optional<ledger::MissingReplica> last;
    for (;;) {
        const auto page = book->missing(3, kOne, last);
        if (page.empty()) break;
        for (const auto& row : page) CHECK(seen.insert(row.hash).second);
        last = page.back();
    }
    CHECK(seen.size() == 10);
}

TEST_CASE("for whom the gateway keeps copies, and where, until they are gone") {
    auto book = open();
    const ledger::KeptCopy at_one{
        .hash = hash_number(1), .server_url = kOne, .owner = kAlice, .uploaded = 7};
    auto at_two = at_one;
    at_two.server_url = kTwo;
    auto of_bob = at_one;
    of_bob.owner = "bob";
    REQUIRE(book->keep({at_one, at_two, of_bob}));
    CHECK(book->kept(hash_number(1)).size() == 3);
    CHECK(book->kept(hash_number(2)).empty());
    CHECK(book->kept_for("somebody else").empty());

    // What is learnt later is added, and what was known stays.
    auto better = at_one;
    better.size = 1000;
    better.type = "image/png";
    better.uploaded = 9;
    REQUIRE(book->keep({better}));
    REQUIRE(book->keep({at_one}));
    REQUIRE(book->no_longer_kept(hash_number(1), kTwo, kAlice));
    REQUIRE(book->add_missing(hash_number(9), {kTwo}, 1));  // stays in order with the others
    const auto alices = book->kept_for(kAlice);
    REQUIRE(alices.size() == 1);
    CHECK(alices[0].hash == hash_number(1));
    CHECK(alices[0].server_url == kOne);
    CHECK(alices[0].owner == kAlice);
    CHECK(alices[0].size == 1000);
    CHECK(alices[0].type == "image/png");
    CHECK(alices[0].uploaded == 7);

    // Not there yet.
    REQUIRE(book->add_missing(hash_number(1), {kOne}, 1));
    CHECK(book->kept_for(kAlice).empty());
    CHECK(book->kept(hash_number(1)).size() == 2);
    REQUIRE(book->forget_server(kOne));
    CHECK(book->kept(hash_number(1)).empty());
}

TEST_CASE("stored bytes are added up, never below nothing, and go with their server") {
    auto book = open();
    REQUIRE(book->count_stored(kOne, 100));
    REQUIRE(book->count_stored(kOne, -30));
    REQUIRE(book->count_stored(kTwo, -5));
    REQUIRE(book->add_missing(hash_number(9), {kTwo}, 1));  // stays in order with the others
    auto stored = book->stored();
    std::ranges::sort(stored, {}, &ledger::StoredBytes::bytes);
    REQUIRE(stored.size() == 2);
    CHECK(stored[0].bytes == 0);
    CHECK(stored[1].server_url == kOne);
    CHECK(stored[1].bytes == 70);
    REQUIRE(book->forget_server(kOne));
    CHECK(book->stored().size() == 1);
}

TEST_CASE("a deleted blob is missed no more, and stays buried for its time") {
    auto book = open();
    REQUIRE(book->add_missing(hash_number(1), {kOne, kTwo}, 1));
    REQUIRE(book->add_missing(hash_number(2), {kOne}, 1));
    REQUIRE(book->bury(hash_number(1), kAlice, 1000, 100));
    CHECK(book->missing_count() == 1);
    CHECK(book->buried(hash_number(1), 999));
    CHECK_FALSE(book->buried(hash_number(1), 1000));
    CHECK_FALSE(book->buried(hash_number(2), 100));
}

TEST_CASE("a tombstone of any owner counts, and each owner has one") {
    auto book = open();
    REQUIRE(book->bury(hash_number(1), kAlice, 1000, 100));
    REQUIRE(book->bury(hash_number(1), kAlice, 2000, 100));
    REQUIRE(book->bury(hash_number(1), "", 1500, 100));
    CHECK(book->tombstone_count() == 2);
    CHECK(book->buried(hash_number(1), 1999));
    // Those that have ended go with the next one.
    REQUIRE(book->bury(hash_number(2), kAlice, 3000, 1600));
    CHECK(book->tombstone_count() == 2);
}

TEST_CASE("who stores a blob anew takes away every tombstone, before it is missed again") {
    auto book = open();
    REQUIRE(book->bury(hash_number(1), kAlice, 1000, 100));
    REQUIRE(book->bury(hash_number(1), "", 1000, 100));
    REQUIRE(book->bury(hash_number(2), kAlice, 1000, 100));
    REQUIRE(book->exhume(hash_number(1)));
    REQUIRE(book->exhume(hash_number(3)));
    REQUIRE(book->add_missing(hash_number(1), {kOne}, 101));
    CHECK_FALSE(book->buried(hash_number(1), 101));
    CHECK(book->missing_count() == 1);
    CHECK(book->tombstone_count() == 1);
}

TEST_CASE("of too many tombstones those that end soonest make room") {
    auto book = open(":memory:", {.tombstones_max = 2});
    REQUIRE(book->bury(hash_number(1), kAlice, 3000, 100));
    REQUIRE(book->bury(hash_number(2), kAlice, 1000, 100));
    REQUIRE(book->bury(hash_number(3), kAlice, 2000, 100));
    CHECK(book->tombstone_count() == 2);
    CHECK_FALSE(book->buried(hash_number(2), 100));
    CHECK(book->buried(hash_number(3), 100));
}

TEST_CASE("a tombstone survives kill -9") {
    test::TempDir folder;
    const auto path = (folder / "ledger.db").string();
    die_after(path, [](Ledger& book) {
        return book.bury(hash_number(1), kAlice, 1000, 100).has_value();
    });
    CHECK(open(path)->buried(hash_number(1), 500));
}

TEST_CASE("many threads share commits, and a new process finds every row") {
    test::TempDir folder;
    const auto path = (folder / "ledger.db").string();
    {
        auto book = open(path);
        {
            std::vector<std::jthread> threads;
            threads.reserve(16);
            for (int thread = 0; thread < 16; ++thread) {
                threads.emplace_back([&book, thread] {
                    for (int i = 0; i < 20; ++i) {
                        CHECK(book->add_missing(hash_number(thread * 100 + i), {kOne}, i));
                    }
                });
            }
        }
        CHECK(book->writes().works == 320);
        CHECK(book->writes().commits <= book->writes().works);
        CHECK(book->missing_count() == 320);
    }
    auto again = open(path);
    CHECK(again->missing_count() == 320);
    CHECK(again->missing(1000).size() == 320);
}

TEST_CASE("what add_missing returned for survives kill -9") {
    test::TempDir folder;
    const auto path = (folder / "ledger.db").string();
    die_after(path, [](Ledger& book) {
        return book.add_missing(hash_number(1), {kOne, kTwo}, 123).has_value();
    });
    die_after(path, [](Ledger& book) {
        return book.add_missing(hash_number(2), {kTwo}, 124).has_value();
    });
    auto book = open(path);
    CHECK(book->missing_count() == 3);
    const auto found = book->missing(10);
    REQUIRE(found.size() == 3);
    CHECK(found[0].since == 123);
    CHECK(found[2].hash == hash_number(2));
}

TEST_CASE("an arrival that was handed over before the end is written down") {
    test::TempDir folder;
    const auto path = (folder / "ledger.db").string();
    {
        auto book = open(path);
        REQUIRE(book->add_missing(hash_number(1), {kOne}, 1));
        REQUIRE(book->no_longer_missing(hash_number(1), kOne));
    }
    CHECK(open(path)->missing_count() == 0);
}

TEST_CASE("the snapshot of the map comes back, newest first") {
    test::TempDir folder;
    const auto path = (folder / "ledger.db").string();
    const std::vector<MapRow> rows{
        {hash_number(1), {kOne}, 10}, {hash_number(2), {kTwo, kOne}, 30}, {hash_number(3), {}, 20}};
    REQUIRE(open(path)->save_map(rows));
    auto book = open(path);
    const auto loaded = book->load_map(100);
    REQUIRE(loaded);
    REQUIRE(loaded->size() == 3);
    CHECK((*loaded)[0].hash == hash_number(2));
    CHECK((*loaded)[0].time == 30);
    CHECK((*loaded)[0].servers == std::vector{kTwo, kOne});
    CHECK(servers_of(*loaded, hash_number(1)) == std::vector{kOne});
    CHECK((*loaded)[1].servers.empty());
    CHECK(book->load_map(1)->size() == 1);
}

TEST_CASE("the snapshot keeps what is known of a blob") {
    auto book = open();
    REQUIRE(book->save_map({{hash_number(1), {kOne}, 20, 12, "image/png", 1000, 2000},
                            {hash_number(2), {kOne}, 10, 0},
                            {hash_number(3), {kOne}, 5}}));
    const auto loaded = book->load_map(10);
    REQUIRE(loaded->size() == 3);
    CHECK(loaded->at(0).size == 12);
    CHECK(loaded->at(0).type == "image/png");
    CHECK(loaded->at(0).last_modified == 1000);
    CHECK(loaded->at(0).sunset == 2000);
    CHECK(loaded->at(1).size == 0);
    CHECK_FALSE(loaded->at(2).size);
}

TEST_CASE("a new snapshot replaces the old one") {
    auto book = open();
    REQUIRE(book->save_map({{hash_number(1), {kOne}, 1}, {hash_number(2), {kOne}, 2}}));
    REQUIRE(book->save_map({{hash_number(2), {kTwo}, 3}}));
    const auto loaded = book->load_map(10);
    REQUIRE(loaded->size() == 1);
    CHECK(loaded->at(0).servers == std::vector{kTwo});
    REQUIRE(book->save_map({}));
    CHECK(book->load_map(10)->empty());
}

TEST_CASE("saving the map holds nobody up who misses a replica") {
    test::TempDir folder;
    auto book = open((folder / "ledger.db").string());
    std::vector<MapRow> rows;
    rows.reserve(2000);
    for (int i = 0; i < 2000; ++i) rows.push_back({hash_number(i), {kOne, kTwo}, i});
    std::jthread saving([&] { CHECK(book->save_map(rows)); });
    for (int i = 0; i < 20; ++i) CHECK(book->add_missing(hash_number(i), {kOne}, i));
    saving.join();
    CHECK(book->missing_count() == 20);
    CHECK(book->load_map(5000)->size() == 2000);
}

TEST_CASE("a ledger that cannot be opened says which file") {
    const auto nowhere = Ledger::open("/nonexistent/ledger.db");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().reason.find("/nonexistent/ledger.db") != std::string::npos);
}
