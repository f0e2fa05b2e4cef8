#include "support/fake_books.h"

#include <utility>

namespace espalier::test {

OpScript Script::of(Op op) const {
    const auto found = ops.find(op);
    return found == ops.end() ? OpScript{} : found->second;
}

std::shared_ptr<const Script> Books::script() const {
    return state_.with([](const State& state) { return state.script; });
}

void Books::set_script(Script script) {
    auto fresh = std::make_shared<const Script>(std::move(script));
    state_.with([&](State& state) {
        state.script = std::move(fresh);
        state.used.clear();
    });
    changes_.announce();
}

bool Books::use_op_script(Op op) {
    return state_.with([&](State& state) {
        const int times = state.script->of(op).times;
        return times == 0 || ++state.used[op] <= times;
    });
}

std::size_t Books::open(Seen seen) {
    const auto index = state_.with([&](State& state) {
        state.seen.push_back(std::move(seen));
        return state.forgotten + state.seen.size() - 1;
    });
    changes_.announce();
    return index;
}

void Books::amend(std::size_t index, const std::function<void(Seen&)>& change) {
    state_.with([&](State& state) {
        if (index >= state.forgotten) change(state.seen[index - state.forgotten]);
    });
    changes_.announce();
}

Seen Books::seen(std::size_t index) const {
    return state_.with([&](const State& state) {
        return index >= state.forgotten ? state.seen[index - state.forgotten] : Seen{};
    });
}

std::vector<Seen> Books::all_seen() const {
    return state_.with(
        [](const State& state) { return std::vector<Seen>(state.seen.begin(), state.seen.end()); });
}

void Books::forget_seen() {
    state_.with([](State& state) {
        state.forgotten += state.seen.size();
        state.seen.clear();
    });
}

bool Books::store(const std::string& hash, Blob blob) {
    const bool fresh = state_.with([&](State& state) {
        const auto [place, added] = state.blobs.try_emplace(hash, blob);
        if (!added) place->second.owners.merge(blob.owners);
        return added;
    });
    changes_.announce();
    return fresh;
}

std::optional<Blob> Books::find(const std::string& hash) const {
    return state_.with([&](const State& state) -> std::optional<Blob> {
        const auto found = state.blobs.find(hash);
        if (found == state.blobs.end()) return std::nullopt;
        return found->second;
    });
}

std::optional<Blob> Books::look_up(const std::string& hash) {
    return state_.with([&](State& state) -> std::optional<Blob> {
        const auto found = state.blobs.find(hash);
        if (found == state.blobs.end()) return std::nullopt;
        if (found->second.lookups_hidden > 0) {
            --found->second.lookups_hidden;
            return std::nullopt;
        }
        return found->second;
    });
}

void Books::remove(const std::string& hash, const std::string& owner) {
    state_.with([&](State& state) {
        const auto found = state.blobs.find(hash);
        if (found == state.blobs.end()) return;
        found->second.owners.erase(owner);
        if (found->second.owners.empty()) state.blobs.erase(found);
    });
    changes_.announce();
}

void Books::drop(const std::string& hash) {
    state_.with([&](State& state) { state.blobs.erase(hash); });
    changes_.announce();
}

std::map<std::string, Blob> Books::owned_by(const std::string& pubkey) const {
    return state_.with([&](const State& state) {
        std::map<std::string, Blob> owned;
        for (const auto& [hash, blob] : state.blobs)
            if (blob.owners.contains(pubkey)) owned.emplace(hash, blob);
        return owned;
    });
}

std::size_t Books::blobs() const {
    return state_.with([](const State& state) { return state.blobs.size(); });
}

bool Books::use_token(const std::string& id) {
    return state_.with([&](State& state) { return state.tokens.insert(id).second; });
}

int Books::begin_upload() {
    return state_.with([](State& state) { return ++state.uploads; });
}

void Books::end_upload() {
    state_.with([](State& state) { --state.uploads; });
}

}  // namespace espalier::test
