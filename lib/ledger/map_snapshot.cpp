#include "ledger/map_snapshot.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "sqlite/transaction.h"

namespace espalier::ledger {
namespace {

using sqlite::Connection;
using sqlite::Statement;

// The servers are few and their URLs long: rows carry numbers.
class ServerIds {
public:
    explicit ServerIds(Statement insert) : insert_(std::move(insert)) {}

    base::Result<std::string> text_of(const std::vector<std::string>& urls) {
        std::string ids;
        for (const auto& url : urls) {
            auto id = id_of(url);
            if (!id) return std::unexpected(std::move(id).error());
            if (!ids.empty()) ids += ',';
            base::append_text(ids, *id);
        }
        return ids;
    }

private:
    base::Result<std::uint64_t> id_of(const std::string& url) {
        const auto [known, fresh] = ids_.try_emplace(url, ids_.size() + 1);
        if (fresh) {
            auto inserted = insert_.bind(known->second, url).run();
            if (!inserted) return std::unexpected(std::move(inserted).error());
        }
        return known->second;
    }

    Statement insert_;
    std::unordered_map<std::string, std::uint64_t> ids_;
};

base::Result<void> insert_rows(Connection& connection, const std::vector<MapRow>& rows) {
    auto insert_server = connection.prepare("INSERT INTO servers(id, url) VALUES(?1, ?2)");
    if (!insert_server) return std::unexpected(std::move(insert_server).error());
    auto insert_row = connection.prepare(
        "INSERT OR REPLACE INTO map(hash, servers, time, type, last_modified, sunset, size)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, -1))");
    if (!insert_row) return std::unexpected(std::move(insert_row).error());
    ServerIds ids(std::move(*insert_server));
    for (const auto& row : rows) {
        auto servers = ids.text_of(row.servers);
        if (!servers) return std::unexpected(std::move(servers).error());
        const auto size = row.size ? static_cast<std::int64_t>(*row.size) : -1;
        auto inserted = insert_row
                            ->bind(row.hash.bytes(), *servers, row.time, row.type,
                                   row.last_modified, row.sunset, size)
                            .run();
        if (!inserted) return inserted;
    }
    return {};
}

using Urls = std::unordered_map<std::uint64_t, std::string>;

base::Result<Urls> read_urls(Connection& connection) {
    Urls urls;
    auto query = connection.prepare("SELECT id, url FROM servers");
    if (!query) return std::unexpected(std::move(query).error());
    auto read = query->bind().each([&](const Statement& row) {
        urls.emplace(static_cast<std::uint64_t>(row.integer(0)), row.text(1));
    });
    if (!read) return std::unexpected(std::move(read).error());
    return urls;
}

MapRow map_row(const Statement& row, const Urls& urls) {
    MapRow out{.hash = hash_of(row.blob(0)),
               .servers = {},
               .time = row.integer(2),
               .type = std::string(row.text(3)),
               .last_modified = row.integer(4),
               .sunset = row.integer(5)};
    if (!row.is_null(6)) out.size = static_cast<std::uint64_t>(row.integer(6));
    for (const auto id : base::split(row.text(1), ',')) {
        const auto url = urls.find(base::parse_number(id).value_or(0));
        if (url != urls.end()) out.servers.push_back(url->second);
    }
    return out;
}

}  // namespace

base::Result<void> write_map(Connection& connection, const std::vector<MapRow>& rows) {
    auto transaction = sqlite::Transaction::begin(connection);
    if (!transaction) return std::unexpected(std::move(transaction).error());
    auto done = connection.script("DELETE FROM map; DELETE FROM servers");
    if (done) done = insert_rows(connection, rows);
    if (done) done = transaction->commit();
    return done;
}

// One transaction, so that the servers are those of the rows.
base::Result<std::vector<MapRow>> read_map(Connection& connection, std::size_t limit) {
    auto transaction = sqlite::Transaction::begin(connection);
    if (!transaction) return std::unexpected(std::move(transaction).error());
    auto urls = read_urls(connection);
    if (!urls) return std::unexpected(std::move(urls).error());
    auto query = connection.prepare(
        "SELECT hash, servers, time, type, last_modified, sunset, size FROM map"
        " ORDER BY time DESC LIMIT ?1");
    if (!query) return std::unexpected(std::move(query).error());
    std::vector<MapRow> rows;
    auto read =
        query->bind(limit).each([&](const Statement& row) { rows.push_back(map_row(row, *urls)); });
    if (!read) return std::unexpected(std::move(read).error());
    return rows;
}

}  // namespace espalier::ledger
