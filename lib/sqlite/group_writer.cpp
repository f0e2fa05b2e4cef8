#include "sqlite/group_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/thread.h"
#include "sqlite/transaction.h"

namespace espalier::sqlite {
namespace {

// A savepoint keeps a failed piece of work from spoiling those before it.
base::Result<void> run_apart(Connection& connection, GroupWriter::Work& work) {
    auto marked = connection.execute("SAVEPOINT piece");
    if (!marked) return marked;
    auto done = work(connection);
    if (!done && connection.in_transaction()) {
        [[maybe_unused]] const auto undone = connection.execute("ROLLBACK TO piece");
    }
    auto released = connection.execute("RELEASE piece");
    return done ? released : done;
}

std::vector<base::Result<void>> all_of(std::size_t count, const base::Error& fault) {
    return std::vector<base::Result<void>>(count, std::unexpected(fault));
}

}  // namespace

GroupWriter::GroupWriter(Connection connection, const Options& options)
    : options_(options), connection_(std::move(connection)) {
    thread_ = base::start_thread(options_.thread_name, [this](const std::stop_token&) { run(); });
}

GroupWriter::~GroupWriter() {
    state_.with([](State& state) { state.stopping = true; });
    wake_.ring();
    thread_.join();
}

base::Result<void> GroupWriter::commit(Work work) {
    Entry entry{.work = std::move(work), .waiting = std::promise<base::Result<void>>()};
    auto outcome = entry.waiting->get_future();
    auto queued = enqueue(std::move(entry));
    return queued ? outcome.get() : queued;
}

base::Result<void> GroupWriter::post(Work work) {
    return enqueue({.work = std::move(work), .waiting = std::nullopt});
}

base::Result<void> GroupWriter::enqueue(Entry entry) {
    const bool room = state_.with([&](State& state) {
        if (state.queue.size() >= options_.queue_max) {
            ++state.counts.refused;
            return false;
        }
        state.queue.push_back(std::move(entry));
        return true;
    });
    if (!room) {
        return std::unexpected(base::Error{.kind = base::ErrorKind::unavailable,
                                           .reason = "too many writes are waiting for the disk",
                                           .retryable = true});
    }
    wake_.ring();
    return {};
}

GroupWriter::Group GroupWriter::next_group() {
    return state_.with([&](State& state) {
        const auto count = std::min(state.queue.size(), options_.group_max);
        const auto end = state.queue.begin() + static_cast<std::ptrdiff_t>(count);
        Group group(std::make_move_iterator(state.queue.begin()), std::make_move_iterator(end));
        state.queue.erase(state.queue.begin(), end);
        return group;
    });
}

void GroupWriter::run() {
    for (;;) {
        for (auto group = next_group(); !group.empty(); group = next_group()) commit_group(group);
        if (state_.with([](State& state) { return state.stopping && state.queue.empty(); })) return;
        wake_.wait(base::Deadline::never());
    }
}

// One transaction; what became of each piece of work.
std::vector<base::Result<void>> GroupWriter::attempt(Group& group) {
    std::vector<base::Result<void>> outcomes;
    auto transaction = Transaction::begin(connection_);
    if (!transaction) return all_of(group.size(), transaction.error());
    for (auto& entry : group) {
        outcomes.push_back(run_apart(connection_, entry.work));
        // A grave fault (full disk) has undone the whole transaction.
        if (connection_.in_transaction()) continue;
        return all_of(group.size(), outcomes.back().error());
    }
    auto committed = transaction->commit();
    return committed ? outcomes : all_of(group.size(), committed.error());
}

void GroupWriter::commit_group(Group& group) {
    auto outcomes = attempt(group);
    const auto failures = std::ranges::count_if(outcomes, [](auto& one) { return !one; });
    state_.with([&](State& state) {
        state.counts.works += group.size();
        state.counts.commits += 1;
        state.counts.failures += static_cast<std::uint64_t>(failures);
    });
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (group[i].waiting) group[i].waiting->set_value(std::move(outcomes[i]));
    }
}

GroupWriter::Snapshot GroupWriter::snapshot() const {
    return state_.with([](const State& state) { return state.counts; });
}

}  // namespace espalier::sqlite
