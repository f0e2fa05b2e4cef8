// Operations are what clients had done here lately: the last hundred, each with what every server
// made of it, who is still at it, and why one refused.
//
// Whole hashes and keys are kept; who shows them to the public shortens them.
//
// Threads: any. Limits: `kept` operations; a change of one that has been dropped is ignored.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bell.h"
#include "base/clock.h"
#include "base/guarded.h"
#include "fleet/outcome.h"

namespace espalier::dashboard {

// What one server makes of an operation.
struct OperationLeg {
    std::string host;
    fleet::Outcome outcome;
    // Bytes of the body that it was given, while it gets them.
    std::optional<std::uint64_t> fed = {};
};

struct Operation {
    std::uint64_t id = 0;
    std::uint64_t version = 0;  // of all operations, when this one last changed
    std::int64_t begun = 0;     // unix seconds
    std::string what;           // "upload", "delete" …
    std::string request_id;
    std::string hash, pubkey;  // hex, "" unknown
    std::optional<std::uint64_t> size = {};
    int status = 0;  // of the reply; 0: there is none yet
    std::string reason = {};
    base::Milliseconds took{0};  // to the reply
    std::vector<OperationLeg> legs = {};

    bool is_over() const;  // answered, and no server is at it any more
};

class Operations {
public:
    using Change = std::function<void(Operation&)>;
    // How much of the body each server was given, in the order of the legs; empty when it is over.
    using Progress = std::function<std::vector<std::uint64_t>()>;

    explicit Operations(const base::Clock& clock, std::size_t kept = 100);

    // An operation has begun; its id.
    std::uint64_t begin(std::string_view what, std::string_view request_id);
    void change(std::uint64_t id, const Change& change);
    // Asked by whoever looks, until the operation is over.
    void follow(std::uint64_t id, Progress progress);
    // Those that have changed since `version`, oldest first, and those under way; 0: all.
    std::vector<Operation> since(std::uint64_t version) const;
    // Rings at every change from now on.
    void ring_on_change(std::shared_ptr<base::Bell> bell);

private:
    struct Entry {
        Operation operation;
        Progress progress;
    };
    struct State {
        std::deque<Entry> entries;
        std::uint64_t last_id = 0, version = 0;
        std::shared_ptr<base::Bell> bell;
    };
    // Null when it has been dropped.
    static Entry* find(State& state, std::uint64_t id);
    void ring() const;

    const base::Clock& clock_;
    const std::size_t kept_;
    base::Guarded<State> state_;
};

// Puts what servers say now in the place of what they said before: a success is not taken back by
// another attempt's failure. `name`: the server's host.
void merge(std::vector<OperationLeg>& legs, std::span<const fleet::Outcome> outcomes,
           const std::function<std::string(fleet::UpstreamId)>& name);

}  // namespace espalier::dashboard
