// The ledger's tables. Steps are only ever added at the end.
#pragma once

#include <array>
#include <string_view>

namespace espalier::ledger {

// `counts` is kept by triggers, so that counting ten million rows costs nothing and is
// always exact.
inline constexpr std::array<std::string_view, 5> kMissingSchema{R"sql(
CREATE TABLE servers(id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE);
CREATE TABLE missing(
    hash BLOB NOT NULL,
    server INTEGER NOT NULL REFERENCES servers(id),
    since INTEGER NOT NULL,
    PRIMARY KEY(hash, server)) WITHOUT ROWID;
CREATE INDEX missing_by_age ON missing(since);
CREATE INDEX missing_by_server ON missing(server, since);
CREATE TABLE counts(missing INTEGER NOT NULL);
INSERT INTO counts VALUES(0);
CREATE TRIGGER one_more AFTER INSERT ON missing BEGIN
    UPDATE counts SET missing = missing + 1; END;
CREATE TRIGGER one_less AFTER DELETE ON missing BEGIN
    UPDATE counts SET missing = missing - 1; END;
)sql",
                                                                R"sql(
CREATE TABLE tombstones(
    hash BLOB NOT NULL,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY(hash, owner)) WITHOUT ROWID;
CREATE INDEX tombstones_by_end ON tombstones(until);
ALTER TABLE counts ADD COLUMN tombstones INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER one_more_tombstone AFTER INSERT ON tombstones BEGIN
    UPDATE counts SET tombstones = tombstones + 1; END;
CREATE TRIGGER one_less_tombstone AFTER DELETE ON tombstones BEGIN
    UPDATE counts SET tombstones = tombstones - 1; END;
)sql",
                                                                R"sql(
ALTER TABLE missing ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE TABLE kept(
    hash BLOB NOT NULL,
    server INTEGER NOT NULL REFERENCES servers(id),
    owner TEXT NOT NULL,
    PRIMARY KEY(hash, server, owner)) WITHOUT ROWID;
CREATE INDEX kept_by_server ON kept(server);
)sql",
                                                                R"sql(
ALTER TABLE kept ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE kept ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE kept ADD COLUMN uploaded INTEGER NOT NULL DEFAULT 0;
CREATE INDEX kept_by_owner ON kept(owner);
)sql",
                                                                R"sql(
CREATE TABLE stored(
    server INTEGER PRIMARY KEY REFERENCES servers(id),
    bytes INTEGER NOT NULL);
)sql"};

// `servers` of a map row are ids, separated by commas.
inline constexpr std::array<std::string_view, 2> kMapSchema{R"sql(
CREATE TABLE servers(id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE);
CREATE TABLE map(
    hash BLOB PRIMARY KEY,
    servers TEXT NOT NULL,
    time INTEGER NOT NULL) WITHOUT ROWID;
)sql",
                                                            R"sql(
ALTER TABLE map ADD COLUMN size INTEGER;
ALTER TABLE map ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE map ADD COLUMN last_modified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE map ADD COLUMN sunset INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace espalier::ledger
