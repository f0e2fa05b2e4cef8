// A GroupWriter lets many threads write to one database for the price of one fsync: whatever
// they ask for while a commit is under way goes into the next transaction together.
//
// A piece of work that fails is undone by itself; the others in its transaction are not
// touched. No artificial delay: an idle writer starts at once.
//
// Threads: commit() and post() from any; work runs on the writer's own thread, one piece after
// the other, in the order of arrival.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/bell.h"
#include "base/error.h"
#include "base/guarded.h"
#include "sqlite/connection.h"

namespace espalier::sqlite {

class GroupWriter {
public:
    // Must not begin or end transactions.
    using Work = std::move_only_function<base::Result<void>(Connection&)>;

    struct Options {
        std::string thread_name = "db-writer";
        std::size_t queue_max = 65'536;  // pieces of work waiting; beyond: unavailable
        std::size_t group_max = 1024;    // pieces of work in one transaction
    };
    struct Snapshot {
        std::uint64_t works = 0, commits = 0, failures = 0, refused = 0;
    };

    GroupWriter(Connection connection, const Options& options);
    // Commits what is queued.
    ~GroupWriter();
    GroupWriter(const GroupWriter&) = delete;
    GroupWriter& operator=(const GroupWriter&) = delete;

    // Returns when the work is committed. Errors: the work's own, the commit's, unavailable.
    base::Result<void> commit(Work work);
    // Returns at once; nobody learns how it went. Errors: unavailable.
    base::Result<void> post(Work work);
    Snapshot snapshot() const;

private:
    struct Entry {
        Work work;
        std::optional<std::promise<base::Result<void>>> waiting;
    };
    struct State {
        std::vector<Entry> queue;
        bool stopping = false;
        Snapshot counts;
    };
    using Group = std::vector<Entry>;

    base::Result<void> enqueue(Entry entry);
    Group next_group();
    void run();
    std::vector<base::Result<void>> attempt(Group& group);
    void commit_group(Group& group);

    const Options options_;
    Connection connection_;  // owned by the writer's thread
    base::Bell wake_;
    base::Guarded<State> state_;
    std::jthread thread_;
};

}  // namespace espalier::sqlite
