#include "ledger/ledger.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "ledger/map_snapshot.h"
#include "ledger/schema.h"
#include "sqlite/migrate.h"

namespace espalier::ledger {
namespace {

using sqlite::Connection;
using sqlite::Statement;

base::Result<std::unique_ptr<sqlite::Pool>> open_pool(const std::string& path,
                                                      sqlite::Synchronous synchronous,
                                                      std::span<const std::string_view> schema) {
    auto pool = sqlite::Pool::open(path, {.synchronous = synchronous}, 8);
    if (!pool) return pool;
    auto connection = (*pool)->checkout();
    if (!connection) return std::unexpected(std::move(connection).error());
    auto migrated = sqlite::migrate(**connection, schema);
    if (!migrated) return std::unexpected(std::move(migrated).error());
    return pool;
}

std::string map_path(const std::string& path) {
    return path == ":memory:" ? path : path + ".map";
}

// A full repair queue refuses the row rather than growing.
base::Result<void> add_one(Connection& connection, const MissingReplica& replica,
                           std::uint64_t rows_max) {
    auto known =
        connection.execute("INSERT OR IGNORE INTO servers(url) VALUES(?1)", replica.server_url);
    if (!known) return known;
    return connection.execute(
        "INSERT OR IGNORE INTO missing(hash, server, since, owner)"
        " SELECT ?1, id, ?3, ?5 FROM servers, counts WHERE url = ?2 AND counts.missing < ?4",
        replica.hash.bytes(), replica.server_url, replica.since, rows_max, replica.owner);
}

base::Result<bool> is_missing(Connection& connection, const protocol::BlobHash& hash,
                              const std::string& url) {
    auto query = connection.prepare(
        "SELECT 1 FROM missing, servers WHERE hash = ?1 AND server = id AND url = ?2");
    if (!query) return std::unexpected(std::move(query).error());
    return query->bind(hash.bytes(), url).step();
}

base::Result<void> add_all(Connection& connection, std::span<const MissingReplica> replicas,
                           std::uint64_t rows_max) {
    for (const auto& replica : replicas) {
        auto added = add_one(connection, replica, rows_max);
        if (!added) return added;
        if (connection.changes() > 0) continue;
        auto there = is_missing(connection, replica.hash, replica.server_url);
        if (!there) return std::unexpected(std::move(there).error());
        if (!*there) return base::fail(base::ErrorKind::unavailable, "the repair queue is full");
    }
    return {};
}

// In one transaction, whose last statement keeps the table within its limit.
base::Result<void> bury_one(Connection& connection, const protocol::BlobHash& hash,
                            const std::string& owner, std::int64_t until, std::int64_t now,
                            std::uint64_t rows_max) {
    auto forgotten = connection.execute("DELETE FROM missing WHERE hash = ?1", hash.bytes());
    if (!forgotten) return forgotten;
    auto expired = connection.execute("DELETE FROM tombstones WHERE until <= ?1", now);
    if (!expired) return expired;
    auto buried = connection.execute(
        "INSERT INTO tombstones(hash, owner, until) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(hash, owner) DO UPDATE SET until = excluded.until",
        hash.bytes(), owner, until);
    if (!buried) return buried;
    return connection.execute(
        "DELETE FROM tombstones WHERE (hash, owner) IN (SELECT hash, owner FROM tombstones"
        " ORDER BY until LIMIT max(0, (SELECT tombstones FROM counts) - ?1))",
        rows_max);
}

MissingReplica missing_of(const Statement& row) {
    return {.hash = hash_of(row.blob(0)),
            .server_url = std::string(row.text(1)),
            .since = row.integer(2),
            .owner = std::string(row.text(3))};
}

constexpr std::string_view kOldest =
    "SELECT hash, url, since, owner FROM missing JOIN servers ON server = id"
    " ORDER BY since LIMIT ?1";
constexpr std::string_view kOldestOfServer =
    "SELECT hash, url, since, owner FROM missing JOIN servers ON server = id WHERE url = ?2"
    " ORDER BY since, hash LIMIT ?1";
constexpr std::string_view kNextOfServer =
    "SELECT hash, url, since, owner FROM missing JOIN servers ON server = id WHERE url = ?2"
    " AND (since, hash) > (?3, ?4) ORDER BY since, hash LIMIT ?1";

base::Result<void> keep_one(Connection& connection, const KeptCopy& copy) {
    auto known =
        connection.execute("INSERT OR IGNORE INTO servers(url) VALUES(?1)", copy.server_url);
    if (!known) return known;
    return connection.execute(
        "INSERT INTO kept(hash, server, owner, size, type, uploaded)"
        " SELECT ?1, id, ?3, ?4, ?5, ?6 FROM servers WHERE url = ?2"
        " ON CONFLICT(hash, server, owner) DO UPDATE SET"
        " size = max(size, excluded.size),"
        " type = iif(excluded.type = '', type, excluded.type),"
        " uploaded = iif(uploaded = 0, excluded.uploaded, uploaded)",
        copy.hash.bytes(), copy.server_url, copy.owner, copy.size, copy.type, copy.uploaded);
}

base::Result<void> unkeep_one(Connection& connection, const protocol::BlobHash& hash,
                              const std::string& server_url, const std::string& owner) {
    return connection.execute(
        "DELETE FROM kept WHERE hash = ?1 AND owner = ?3"
        " AND server = (SELECT id FROM servers WHERE url = ?2)",
        hash.bytes(), server_url, owner);
}

KeptCopy kept_of(const Statement& row) {
    return {.hash = hash_of(row.blob(0)),
            .server_url = std::string(row.text(1)),
            .owner = std::string(row.text(2)),
            .size = static_cast<std::uint64_t>(row.integer(3)),
            .type = std::string(row.text(4)),
            .uploaded = row.integer(5)};
}

constexpr std::string_view kKeptOfBlob =
    "SELECT hash, url, owner, size, type, uploaded FROM kept JOIN servers ON server = id"
    " WHERE hash = ?1";
constexpr std::string_view kKeptOfOwner =
    "SELECT hash, url, owner, size, type, uploaded FROM kept JOIN servers ON server = id"
    " WHERE owner = ?1 AND NOT EXISTS (SELECT 1 FROM missing"
    " WHERE missing.hash = kept.hash AND missing.server = kept.server)";

// `row_of`: what a Statement's row says.
template <class Row, class RowOf, class... Values>
std::vector<Row> read_all(sqlite::Pool& pool, std::string_view sql, RowOf row_of,
                          const Values&... values) {
    std::vector<Row> found;
    auto connection = pool.checkout();
    if (!connection) return found;
    auto query = (*connection)->prepare(sql);
    if (!query) return found;
    auto read =
        query->bind(values...).each([&](const Statement& row) { found.push_back(row_of(row)); });
    if (!read) found.clear();
    return found;
}

}  // namespace

protocol::BlobHash hash_of(std::span<const std::byte> bytes) {
    base::Digest digest{};
    std::ranges::copy_n(bytes.begin(),
                        static_cast<std::ptrdiff_t>(std::min(bytes.size(), digest.size())),
                        digest.begin());
    return protocol::BlobHash(digest);
}

base::Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path,
                                                   const Options& options) {
    auto missing = open_pool(path, sqlite::Synchronous::full, kMissingSchema);
    if (!missing) return std::unexpected(std::move(missing).error());
    auto map = open_pool(map_path(path), sqlite::Synchronous::normal, kMapSchema);
    if (!map) return std::unexpected(std::move(map).error());
    auto writer = (*missing)->connect();
    if (!writer) return std::unexpected(std::move(writer).error());
    return std::unique_ptr<Ledger>(
        new Ledger(options, std::move(*missing), std::move(*map), std::move(*writer)));
}

Ledger::Ledger(const Options& options, std::unique_ptr<sqlite::Pool> missing,
               std::unique_ptr<sqlite::Pool> map, Connection writer)
    : options_(options),
      missing_(std::move(missing)),
      map_(std::move(map)),
      writer_(std::move(writer), {.thread_name = "ledger"}) {}

base::Result<void> Ledger::add_missing(const protocol::BlobHash& hash,
                                       const std::vector<std::string>& server_urls,
                                       std::int64_t now, const std::string& owner) {
    if (server_urls.empty()) return {};
    std::vector<MissingReplica> replicas;
    replicas.reserve(server_urls.size());
    for (const auto& url : server_urls) replicas.push_back({hash, url, now, owner});
    return writer_.commit([&](Connection& connection) {
        return add_all(connection, replicas, options_.missing_max);
    });
}

base::Result<void> Ledger::no_longer_missing(const protocol::BlobHash& hash,
                                             const std::string& server_url) {
    return writer_.post([hash, server_url](Connection& connection) {
        return connection.execute(
            "DELETE FROM missing WHERE hash = ?1"
            " AND server = (SELECT id FROM servers WHERE url = ?2)",
            hash.bytes(), server_url);
    });
}

base::Result<void> Ledger::forget_server(const std::string& server_url) {
    return writer_.commit([&](Connection& connection) {
        auto gone = connection.execute(
            "DELETE FROM missing WHERE server = (SELECT id FROM servers WHERE url = ?1)",
            server_url);
        if (!gone) return gone;
        auto kept = connection.execute(
            "DELETE FROM kept WHERE server = (SELECT id FROM servers WHERE url = ?1)", server_url);
        if (!kept) return kept;
        auto stored = connection.execute(
            "DELETE FROM stored WHERE server = (SELECT id FROM servers WHERE url = ?1)",
            server_url);
        if (!stored) return stored;
        return connection.execute("DELETE FROM servers WHERE url = ?1", server_url);
    });
}

std::vector<MissingReplica> Ledger::missing(std::size_t limit) {
    return read_all<MissingReplica>(*missing_, kOldest, missing_of, limit);
}

std::vector<MissingReplica> Ledger::missing(std::size_t limit, const std::string& server_url,
                                            const std::optional<MissingReplica>& after) {
    if (!after)
        return read_all<MissingReplica>(*missing_, kOldestOfServer, missing_of, limit, server_url);
    return read_all<MissingReplica>(*missing_, kNextOfServer, missing_of, limit, server_url,
                                    after->since, after->hash.bytes());
}

base::Result<void> Ledger::keep(const std::vector<KeptCopy>& copies) {
    if (copies.empty()) return {};
    return writer_.commit([&](Connection& connection) -> base::Result<void> {
        for (const auto& copy : copies)
            if (auto kept = keep_one(connection, copy); !kept) return kept;
        return {};
    });
}

std::vector<KeptCopy> Ledger::kept(const protocol::BlobHash& hash) {
    return read_all<KeptCopy>(*missing_, kKeptOfBlob, kept_of, hash.bytes());
}

std::vector<KeptCopy> Ledger::kept_for(const std::string& owner) {
    return read_all<KeptCopy>(*missing_, kKeptOfOwner, kept_of, owner);
}

base::Result<void> Ledger::no_longer_kept(const protocol::BlobHash& hash,
                                          const std::string& server_url, const std::string& owner) {
    return writer_.post([hash, server_url, owner](Connection& connection) {
        return unkeep_one(connection, hash, server_url, owner);
    });
}

base::Result<void> Ledger::count_stored(const std::string& server_url, std::int64_t bytes) {
    return writer_.post([server_url, bytes](Connection& connection) {
        auto known =
            connection.execute("INSERT OR IGNORE INTO servers(url) VALUES(?1)", server_url);
        if (!known) return known;
        return connection.execute(
            "INSERT INTO stored(server, bytes) SELECT id, max(?2, 0) FROM servers WHERE url = ?1"
            " ON CONFLICT(server) DO UPDATE SET bytes = max(bytes + ?2, 0)",
            server_url, bytes);
    });
}

std::vector<StoredBytes> Ledger::stored() {
    return read_all<StoredBytes>(
        *missing_, "SELECT url, bytes FROM stored JOIN servers ON server = id",
        [](const Statement& row) -> StoredBytes {
            return {.server_url = std::string(row.text(0)), .bytes = row.integer(1)};
        });
}

std::uint64_t Ledger::missing_count() {
    return count("SELECT missing FROM counts");
}

base::Result<void> Ledger::bury(const protocol::BlobHash& hash, const std::string& owner,
                                std::int64_t until, std::int64_t now,
                                const std::vector<std::string>& gone_from) {
    return writer_.commit([&, until, now](Connection& connection) -> base::Result<void> {
        for (const auto& url : gone_from)
            if (auto gone = unkeep_one(connection, hash, url, owner); !gone) return gone;
        return bury_one(connection, hash, owner, until, now, options_.tombstones_max);
    });
}

base::Result<void> Ledger::exhume(const protocol::BlobHash& hash) {
    // Looked at first: hardly any upload is of a blob that was deleted.
    if (!buried(hash, 0)) return {};
    return writer_.commit([&hash](Connection& connection) {
        return connection.execute("DELETE FROM tombstones WHERE hash = ?1", hash.bytes());
    });
}

bool Ledger::buried(const protocol::BlobHash& hash, std::int64_t now) {
    auto connection = missing_->checkout();
    if (!connection) return true;
    auto query =
        (*connection)->prepare("SELECT 1 FROM tombstones WHERE hash = ?1 AND until > ?2 LIMIT 1");
    if (!query) return true;
    return query->bind(hash.bytes(), now).step().value_or(true);
}

std::uint64_t Ledger::tombstone_count() {
    return count("SELECT tombstones FROM counts");
}

std::uint64_t Ledger::count(std::string_view sql) {
    auto connection = missing_->checkout();
    if (!connection) return 0;
    auto query = (*connection)->prepare(sql);
    if (!query) return 0;
    auto row = query->bind().step();
    return row && *row ? static_cast<std::uint64_t>(query->integer(0)) : 0;
}

base::Result<void> Ledger::save_map(const std::vector<MapRow>& rows) {
    auto connection = map_->checkout();
    if (!connection) return std::unexpected(std::move(connection).error());
    return write_map(**connection, rows);
}

base::Result<std::vector<MapRow>> Ledger::load_map(std::size_t limit) {
    auto connection = map_->checkout();
    if (!connection) return std::unexpected(std::move(connection).error());
    return read_map(**connection, limit);
}

}  // namespace espalier::ledger
