// A Script says how a FakeServer behaves. Script{} is a well-behaved Blossom server that
// asks nobody for a token; every field turns one good habit into a bad one.
//
// A Script may be changed while requests run: each looks at the newest one whenever it
// takes a step, so a hold ends when a new Script no longer asks for it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/headers.h"

namespace espalier::test {

// What a request asks for.
enum class Op : std::uint8_t {
    get,
    head,
    upload,  // PUT /upload
    check,   // HEAD /upload
    mirror,
    media,        // PUT /media
    check_media,  // HEAD /media
    list,
    remove,
    report,
    options,
    other,
};

struct Pause {
    base::Milliseconds delay{0};
    bool hold = false;  // wait on, until a new Script says otherwise
};

enum class Cut : std::uint8_t { none, fin, rst };

// The connection ends after so many bytes of a body.
struct CutAt {
    std::uint64_t bytes = 0;
    Cut how = Cut::rst;
};

// What follows an answer that is given before the request's body has been read.
enum class After : std::uint8_t {
    linger,  // end our side, drop what still comes until the client ends its own
    close,   // close at once: bytes still under way make the kernel send a RST
    reset,   // RST at once
    drain,   // read the body to its end and keep the connection
};

struct Answer {
    int status = 200;
    base::Headers headers;
    std::string body;
    // Sent instead of head and body, verbatim; then the connection ends.
    std::optional<std::string> raw;
    // Content-Length of an answer to HEAD, when it is not body.size().
    std::optional<std::uint64_t> head_length;
};

// What happens to requests of one Op, before its own behaviour is asked.
struct OpScript {
    Pause before_body;      // the head is read; a hold here: accepts and never answers
    Pause before_answer;    // the request's body is read too
    Pause before_payload;   // the answer's head is sent, its body is not
    int status = 0;         // ≠ 0: answer this after the body, and do nothing
    bool early = false;     // … or already before the body is read, then `Script::after`
    std::string body;       // of that answer
    base::Headers headers;  // added to every answer, replacing those of the same name
    Cut cut = Cut::none;    // instead of an answer
    // > 0: status and cut apply to the first so many requests after set_script() only.
    int times = 0;
};

struct Refusal {
    std::uint64_t at = 0;  // bytes of the request's body read before
    int status = 413;
    base::Headers headers;
    After after = After::linger;
};

enum class Framing : std::uint8_t { length, chunks, until_close };

struct AuthScript {
    std::set<Op> required;         // without a token: `missing`
    bool check_reads = false;      // a bad token spoils even a public GET or HEAD
    bool std_padded_only = false;  // other base64: `unreadable`
    bool once = false;             // each token is good for one request: `reused`
    bool require_x = false;        // on upload, mirror, media, remove
    bool verify = false;           // id and signature are checked, too
    std::int64_t age_max = std::numeric_limits<std::int64_t>::max();  // seconds
    // The server tags accepted, compared as they are; empty: all. No tag is always fine.
    std::vector<std::string> servers;
    std::set<std::string> pubkeys;  // hex; empty: everybody; others: 403

    int missing = 401;
    int malformed = 401;
    int unreadable = 401;         // base64 of the wrong kind …
    int unreadable_upload = 401;  // … on PUT /upload
    int expired = 401;
    int wrong_server = 401;
    int wrong_verb = 403;
    int wrong_x = 403;
    int reused = 400;
};

struct Seen;

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): fields stand by their meaning.
struct Script {
    std::map<Op, OpScript> ops;
    OpScript& on(Op op) { return ops[op]; }
    OpScript of(Op op) const;
    // Answers by hand, when the request's body is read; nothing: as usual.
    std::function<std::optional<Answer>(const Seen&)> hook;
    // The same before the body is read; then `after`.
    std::function<std::optional<Answer>(const Seen&)> early_hook;

    // The wire.
    bool keep_alive = true;
    std::uint64_t read_rate = 0;   // of request bodies, bytes/s; 0 = no limit
    std::uint64_t write_rate = 0;  // of answer bodies
    int receive_buffer = 0;        // bytes; 0: 16 KiB when reading is slowed, else the kernel's
    std::optional<std::uint64_t> stall_upload_at;  // stop reading there, while set
    std::optional<std::uint64_t> stall_answer_at;  // stop writing there, while set
    std::optional<CutAt> cut_upload;
    std::optional<CutAt> cut_answer;
    std::optional<Refusal> refuse_upload;
    After after = After::linger;  // what follows our other early answers
    Framing framing = Framing::length;
    bool send_continue = true;  // heed Expect: 100-continue

    // Uploads.
    int stored_status = 201;
    int known_status = 200;
    int mirrored_status = 201;
    int check_status = 200;
    int check_known_status = 200;
    bool require_length = false;  // 411 to chunked bodies
    bool require_sha256 = false;  // 400 without X-SHA-256
    bool early_known = false;     // X-SHA-256 known: `known_status` before the body is read
    int uploads_max = 0;          // at once; more: 503; 0 = no limit
    std::optional<std::uint64_t> upload_bytes_max;  // more: 413, from Content-Length
    std::optional<std::uint64_t> free_bytes_max;    // more: 402 with X-Cashu, unless it is sent
    std::set<std::string> types;                    // accepted; empty: all; others: 415
    std::uint64_t keep_bytes_max = std::uint64_t{512} << 20U;  // larger blobs: hashed, not kept
    int lookups_hidden = 0;  // a new blob is missing to the first so many GETs and HEADs
    bool has_media = false;
    AuthScript auth;

    // Lies and weaknesses.
    bool wrong_sha256 = false;  // in descriptors
    std::optional<std::uint64_t> descriptor_size;
    std::uint64_t size_zero_below = 0;  // descriptors of smaller blobs say size 0
    std::optional<std::string> descriptor_type;
    bool sniffs_type = false;                 // ignores Content-Type
    std::optional<std::uint64_t> wrong_byte;  // GET flips this byte, or the last one
    bool allow_origin = true;
    int missing_status = 404;
    int missing_head_status = 404;
    base::Headers missing_headers;
    std::uint64_t open_range_max = 0;  // an open range gets no more; 0 = no limit
    bool ranges = true;                // false: Range is ignored
    std::string redirect_base;         // GET and HEAD: 307 to <base>/<hash>.<ext>
    bool foreign_delete_lies = false;  // 200 without deleting; else 403
    bool mirror_refuses_private = false;
    int mirror_mismatch_status = 409;
    bool list_ignores_cursor = false;
    std::uint64_t list_page_max = 0;  // items of a page, whatever limit says; 0 = no limit
};

}  // namespace espalier::test
