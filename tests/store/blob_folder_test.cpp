#include "store/blob_folder.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temp_dir.h"

using namespace espalier;
using protocol::BlobHash;
using protocol::PublicKey;
using store::BlobFolder;
using store::Incoming;
using store::StoredBlob;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

BlobHash hash_of(std::string_view text) {
    return BlobHash(base::Sha256::of(text));
}

PublicKey key(int n) {
    protocol::KeyBytes bytes{};
    bytes[0] = static_cast<std::byte>(n);
    return PublicKey(bytes);
}

// How many regular files there are below this folder.
std::size_t files_below(const std::filesystem::path& path) {
    return static_cast<std::size_t>(
        std::ranges::count_if(std::filesystem::recursive_directory_iterator(path),
                              [](const auto& entry) { return entry.is_regular_file(); }));
}

Incoming received(const BlobFolder& folder, std::string_view text) {
    auto incoming = folder.receive();
    REQUIRE(incoming);
    REQUIRE(incoming->append(bytes_of(text)));
    return std::move(*incoming);
}

base::Result<BlobFolder::Kept> put(BlobFolder& folder, std::string_view text,
                                   std::optional<PublicKey> owner = std::nullopt,
                                   std::int64_t now = 100, std::string type = "text/plain") {
    auto incoming = folder.receive();
    if (!incoming) return std::unexpected(std::move(incoming).error());
    auto written = incoming->append(bytes_of(text));
    if (!written) return std::unexpected(std::move(written).error());
    const auto hash = incoming->finish();
    if (!hash) return std::unexpected(hash.error());
    return folder.keep(std::move(*incoming),
                       {.hash = *hash, .size = 0, .type = std::move(type), .uploaded = now}, owner);
}

std::string content(const BlobFolder& folder, const BlobHash& hash) {
    auto opened = folder.open_blob(hash);
    if (!opened) return "(" + opened.error().reason + ")";
    std::string text(opened->blob.size, '\0');
    REQUIRE(::pread(opened->file.get(), text.data(), text.size(), 0) ==
            static_cast<ssize_t>(text.size()));
    return text;
}

struct Fixture {
    Fixture() { reopen(); }
    void reopen() {
        folder.reset();
        auto opened = BlobFolder::open(path());
        REQUIRE(opened);
        folder = std::move(*opened);
    }
    std::string path() const { return (temp / "blobs").string(); }
    std::filesystem::path file_of(const BlobHash& hash) const {
        return temp / "blobs" / hash.hex().substr(0, 2) / hash.hex();
    }
    std::size_t unfinished() const { return files_below(temp / "blobs" / "incoming"); }

    test::TempDir temp;
    std::unique_ptr<BlobFolder> folder;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a blob comes back as it was, also after a restart") {
    const auto kept = put(*folder, "hello", key(1), 123, "text/x-greeting");
    REQUIRE(kept);
    CHECK(kept->fresh);
    CHECK(kept->blob.size == 5);
    CHECK(kept->blob.hash == hash_of("hello"));
    CHECK(content(*folder, hash_of("hello")) == "hello");
    CHECK(std::filesystem::exists(file_of(hash_of("hello"))));

    reopen();
    const auto opened = folder->open_blob(hash_of("hello"));
    REQUIRE(opened);
    CHECK(opened->blob.type == "text/x-greeting");
    CHECK(opened->blob.uploaded == 123);
    CHECK(content(*folder, hash_of("hello")) == "hello");
}

TEST_CASE_FIXTURE(Fixture, "a known blob keeps its first type and time") {
    REQUIRE(put(*folder, "hello", std::nullopt, 100, "text/plain"));
    const auto again = put(*folder, "hello", std::nullopt, 200, "image/png");
    REQUIRE(again);
    CHECK_FALSE(again->fresh);
    CHECK(again->blob.uploaded == 100);
    CHECK(again->blob.type == "text/plain");
    CHECK(unfinished() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a blob without bytes is a blob") {
    REQUIRE(put(*folder, ""));
    CHECK(content(*folder, hash_of("")).empty());
}

TEST_CASE_FIXTURE(Fixture, "an upload that is dropped leaves nothing") {
    {
        auto incoming = received(*folder, "half of it");
        CHECK(unfinished() == 1);
        CHECK(incoming.size() == 10);
    }
    CHECK(unfinished() == 0);
    CHECK_FALSE(folder->open_blob(hash_of("half of it")));
}

TEST_CASE_FIXTURE(Fixture, "moving an upload around loses nothing and removes its file once") {
    auto first = received(*folder, "abc");
    auto second = std::move(first);
    CHECK(unfinished() == 1);
    REQUIRE(second.append(bytes_of("def")));
    const auto hash = second.finish();
    REQUIRE(hash);
    CHECK(*hash == hash_of("abcdef"));
}

TEST_CASE_FIXTURE(Fixture, "pieces of any size make the same blob") {
    const std::string text(std::size_t{20} * 1024 * 1024, 'x');
    auto incoming = folder->receive();
    for (std::size_t at = 0; at < text.size();) {
        const auto piece = std::min<std::size_t>(at % 100'003 + 1, text.size() - at);
        REQUIRE(incoming->append(bytes_of(std::string_view(text).substr(at, piece))));
        at += piece;
    }
    CHECK(*incoming->finish() == hash_of(text));
    CHECK(incoming->size() == text.size());
}

TEST_CASE_FIXTURE(Fixture, "the first bytes are kept for guessing a type") {
    auto incoming = received(*folder, "\x89PN");
    REQUIRE(incoming.append(bytes_of("G\r\n" + std::string(100, '.'))));
    const auto first = incoming.first_bytes();
    CHECK(first.size() == 64);
    CHECK(std::ranges::equal(first.first(6), bytes_of("\x89PNG\r\n")));
}

TEST_CASE_FIXTURE(Fixture, "what unfinished uploads have left is removed at the start") {
    std::filesystem::create_directories(temp / "blobs" / "incoming");
    temp.write("blobs/incoming/leftover", "xyz");
    REQUIRE(put(*folder, "kept"));
    reopen();
    CHECK(unfinished() == 0);
    CHECK(content(*folder, hash_of("kept")) == "kept");
}

TEST_CASE_FIXTURE(Fixture, "a second process is kept out of the folder") {
    const auto second = BlobFolder::open(path());
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == base::ErrorKind::unavailable);
}

TEST_CASE_FIXTURE(Fixture, "a blob that keep() returned for survives kill -9") {
    folder.reset();
    const pid_t child = ::fork();
    if (child == 0) {
        auto own = BlobFolder::open(path());
        const bool kept = own && put(**own, "durable", key(1));
        auto half = own ? (*own)->receive() : base::fail(base::ErrorKind::internal, "");
        if (!kept || !half || !half->append(bytes_of("half"))) ::_exit(1);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(unfinished() == 1);
    reopen();
    CHECK(content(*folder, hash_of("durable")) == "durable");
    CHECK(folder->list(key(1), {})->size() == 1);
    CHECK(unfinished() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "a blob whose file is gone or cut is missing, and the next upload heals it") {
    REQUIRE(put(*folder, "hello"));
    std::filesystem::resize_file(file_of(hash_of("hello")), 3);
    CHECK(folder->open_blob(hash_of("hello")).error().kind == base::ErrorKind::missing);
    std::filesystem::remove(file_of(hash_of("hello")));
    CHECK(folder->open_blob(hash_of("hello")).error().kind == base::ErrorKind::missing);
    REQUIRE(put(*folder, "hello"));
    CHECK(content(*folder, hash_of("hello")) == "hello");
}

TEST_CASE_FIXTURE(Fixture, "a blob is gone when its last owner has deleted it") {
    REQUIRE(put(*folder, "shared", key(1)));
    REQUIRE(put(*folder, "shared", key(2)));
    const auto hash = hash_of("shared");
    REQUIRE(folder->remove(hash, {.pubkey = key(1), .now = 500}));
    CHECK(content(*folder, hash) == "shared");
    CHECK(folder->list(key(1), {})->empty());
    CHECK(folder->list(key(2), {})->size() == 1);
    CHECK(folder->remove(hash, {.pubkey = key(1), .now = 500}).error().kind ==
          base::ErrorKind::forbidden);

    REQUIRE(folder->remove(hash, {.pubkey = key(2), .now = 500}));
    CHECK_FALSE(folder->open_blob(hash));
    CHECK_FALSE(std::filesystem::exists(file_of(hash)));
    CHECK(folder->remove(hash, {.pubkey = key(2), .now = 500}).error().kind ==
          base::ErrorKind::missing);
}

TEST_CASE_FIXTURE(Fixture, "nobody deletes what belongs to somebody else") {
    REQUIRE(put(*folder, "mine", key(1)));
    const auto hash = hash_of("mine");
    CHECK(folder->remove(hash, {.pubkey = key(2), .may_remove_ownerless = true}).error().kind ==
          base::ErrorKind::forbidden);
    CHECK(
        folder->remove(hash, {.pubkey = std::nullopt, .may_remove_ownerless = true}).error().kind ==
        base::ErrorKind::unauthorized);
    CHECK(content(*folder, hash) == "mine");
}

TEST_CASE_FIXTURE(Fixture, "a blob without owners goes only where nobody has to sign") {
    REQUIRE(put(*folder, "nobody's"));
    const auto hash = hash_of("nobody's");
    CHECK(folder->remove(hash, {.pubkey = key(1)}).error().kind == base::ErrorKind::forbidden);
    CHECK(folder->remove(hash, {.pubkey = std::nullopt}).error().kind ==
          base::ErrorKind::unauthorized);
    CHECK(folder->remove(hash, {.pubkey = std::nullopt, .may_remove_ownerless = true}));
    CHECK_FALSE(folder->open_blob(hash));
}

TEST_CASE_FIXTURE(Fixture, "who uploads again what they had deleted owns it again, as new") {
    REQUIRE(put(*folder, "again", key(1), 100));
    REQUIRE(folder->remove(hash_of("again"), {.pubkey = key(1), .now = 150}));
    const auto kept = put(*folder, "again", key(1), 200);
    REQUIRE(kept);
    CHECK(kept->fresh);
    const auto listed = folder->list(key(1), {});
    REQUIRE(listed->size() == 1);
    CHECK(listed->at(0).uploaded == 200);
}

TEST_CASE_FIXTURE(Fixture, "the same blob uploaded by many at once is stored once") {
    const std::string text(300'000, 'q');
    std::atomic<int> fresh{0};
    {
        std::vector<std::jthread> threads;
        threads.reserve(16);
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                const auto kept = put(*folder, text, key(i));
                CHECK(kept);
                if (kept && kept->fresh) ++fresh;
            });
        }
    }
    CHECK(fresh == 1);
    CHECK(content(*folder, hash_of(text)) == text);
    CHECK(unfinished() == 0);
    for (int i = 0; i < 8; ++i) CHECK(folder->list(key(i), {})->size() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "uploads and deletes of one blob that cross leave row and file agreeing") {
    const auto hash = hash_of("contested");
    {
        std::vector<std::jthread> threads;
        threads.reserve(16);
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                for (int round = 0; round < 15; ++round) {
                    CHECK(put(*folder, "contested", key(i)));
                    CHECK(folder->remove(hash, {.pubkey = key(i), .now = 100}));
                }
            });
        }
    }
    CHECK_FALSE(folder->open_blob(hash));
    CHECK_FALSE(std::filesystem::exists(file_of(hash)));
    REQUIRE(put(*folder, "contested", key(1)));
    CHECK(content(*folder, hash) == "contested");
}

TEST_CASE("a folder that cannot be made is named") {
    const auto nowhere = BlobFolder::open("/nonexistent/parent/blobs");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().kind == base::ErrorKind::storage);
    CHECK(nowhere.error().reason.find("/nonexistent/parent/blobs") != std::string::npos);
}
