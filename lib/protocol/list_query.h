// A ListQuery is which part of a user's list a client asks for (BUD-12).
//
// Pure values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/blob_hash.h"

namespace espalier::protocol {

struct ListQuery {
    std::optional<BlobHash> cursor;     // the last blob of the page before
    std::optional<std::int64_t> since;  // unix seconds, inclusive
    std::optional<std::int64_t> until;  // unix seconds, inclusive
    std::size_t limit = 1000;
};

// `parameter` gives the value of a query parameter, nothing when it is absent. Without `limit`,
// and for more than that, `limit_max` holds. Errors: invalid, naming the parameter.
base::Result<ListQuery> read_list_query(
    const std::function<std::optional<std::string>(std::string_view)>& parameter,
    std::size_t limit_max);

}  // namespace espalier::protocol
