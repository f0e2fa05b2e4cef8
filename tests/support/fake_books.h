// The Books of a FakeServer: its script, its blobs and what it has seen.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "support/changes.h"
#include "support/fake_script.h"

namespace espalier::test {

// One request, as far as it has come.
struct Seen {
    std::string method;
    std::string path;  // as sent, with the query
    base::Headers headers;
    std::optional<std::uint64_t> content_length;
    Op op = Op::other;
    std::uint64_t connection = 0;  // which one, counted from 1

    std::uint64_t body_bytes_received = 0;
    bool body_complete = false;
    std::string body;         // its first 64 KiB
    std::string body_sha256;  // once complete
    bool gone = false;        // the client left, or was cut off, before the end
    bool answered = false;    // set before the first byte of the answer leaves
    int status = 0;
    std::uint64_t answer_bytes_sent = 0;  // of its body
    bool answer_complete = false;         // set before its last byte leaves
};

struct Blob {
    std::shared_ptr<const std::string> bytes;  // null: too large to keep
    std::uint64_t size = 0;
    std::string type;
    std::int64_t uploaded = 0;     // unix seconds
    std::set<std::string> owners;  // pubkeys in hex
    int lookups_hidden = 0;
};

class Books {
public:
    std::shared_ptr<const Script> script() const;
    void set_script(Script script);
    // Counts a request against OpScript::times; true = the script's status and cut apply.
    bool use_op_script(Op op);

    std::size_t open(Seen seen);  // its index
    void amend(std::size_t index, const std::function<void(Seen&)>& change);
    Seen seen(std::size_t index) const;
    std::vector<Seen> all_seen() const;
    void forget_seen();

    // True = it was not there yet.
    bool store(const std::string& hash, Blob blob);
    std::optional<Blob> find(const std::string& hash) const;
    // Like find(), for a GET or HEAD: counts down lookups_hidden.
    std::optional<Blob> look_up(const std::string& hash);
    // Drops one owner, and the blob with its last one.
    void remove(const std::string& hash, const std::string& owner);
    std::map<std::string, Blob> owned_by(const std::string& pubkey) const;
    std::size_t blobs() const;
    void drop(const std::string& hash);

    // False when the token with this id was used before.
    bool use_token(const std::string& id);
    // Counts uploads under way; the number with this one.
    int begin_upload();
    void end_upload();

    Changes& changes() { return changes_; }

private:
    struct State {
        std::shared_ptr<const Script> script = std::make_shared<Script>();
        std::map<Op, int> used;  // of OpScript::times
        std::deque<Seen> seen;
        std::size_t forgotten = 0;  // how many Seens came before seen.front()
        std::map<std::string, Blob> blobs;
        std::set<std::string> tokens;
        int uploads = 0;
    };
    base::Guarded<State> state_;
    Changes changes_;
};

}  // namespace espalier::test
