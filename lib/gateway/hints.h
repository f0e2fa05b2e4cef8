// Hints are other servers where a client says that a blob may be: `origin`, `xs` (also `sx` and
// `servers`), with `sz` as its size, in the query of a GET or HEAD (BUD-10, sheet A.12).
//
// They are what a stranger writes. Only hosts that the operator admits are asked, by a HEAD, and
// none in a private network unless the operator names it; nothing of them is remembered, fetched or
// counted as an upstream's doing. `as` would need relays: it is not heeded.
//
// Threads: one worker. Limits: kHintsMax servers for one request.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fanout/blob_head.h"
#include "gateway/parts.h"
#include "http/request.h"
#include "protocol/blob_path.h"

namespace espalier::gateway {

inline constexpr std::size_t kHintsMax = 4;

// A hinted server that has the blob.
struct HintHit {
    engine::Url url;  // of the blob there, with its extension
    fanout::HeadAnswer answer;
};

class HintSearch {
public:
    // Requires: hints are heeded. Asks all at once, and returns. A server without a scheme is asked
    // by https, then by http.
    HintSearch(const Parts& parts, const http::Request& request, const protocol::BlobPath& path);

    // The first, in the order of the hints, that has said by now that it has the blob.
    std::optional<HintHit> so_far();
    // The same, when anybody has or all have answered, at most `lookup_timeout` after the start.
    std::optional<HintHit> wait();

private:
    struct Asked {
        std::vector<engine::Url> urls;  // still to be asked, after the first
        bool is_named = false;          // by the operator: it may be anywhere
        engine::Transfer transfer = {};
        std::optional<HintHit> hit = {};
        bool over = false;
    };

    std::optional<bool> admits(const engine::Url& url) const;
    void add(std::string_view server, const http::Request& request);
    void ask(Asked& asked);
    void read(Asked& asked);

    const Parts& parts_;
    const protocol::BlobPath& path_;
    const bool secure_;
    const std::optional<std::uint64_t> size_;
    const base::Deadline deadline_;
    const std::shared_ptr<base::Bell> bell_ = std::make_shared<base::Bell>();
    std::vector<Asked> asked_;
};

}  // namespace espalier::gateway
