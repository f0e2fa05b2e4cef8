// How the map's snapshot is written to and read from its tables.
//
// Threads: the one that owns the connection.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.h"
#include "ledger/ledger.h"
#include "sqlite/connection.h"

namespace espalier::ledger {

protocol::BlobHash hash_of(std::span<const std::byte> bytes);

base::Result<void> write_map(sqlite::Connection& connection, const std::vector<MapRow>& rows);
base::Result<std::vector<MapRow>> read_map(sqlite::Connection& connection, std::size_t limit);

}  // namespace espalier::ledger
