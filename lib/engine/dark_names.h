// DarkNames are hosts whose name could not be resolved of late. curl resolves each new
// connection's name on a thread that may outlive its exchange by many seconds; so a dark name is
// asked for by one exchange at a time, and the others fail at once.
//
// Limits: 1,024 names; beyond that all are forgotten.
// Threads: one.
#pragma once

#include <string>
#include <unordered_map>

namespace espalier::engine {

class DarkNames {
public:
    // Whether `who` may ask for this name now.
    bool may_ask(const std::string& name, const void* who) {
        const auto found = asking_.find(name);
        if (found == asking_.end()) return true;
        if (found->second != nullptr && found->second != who) return false;
        found->second = who;
        return true;
    }
    void resolved(const std::string& name) { asking_.erase(name); }
    // `who` has ended without an address; `in_vain`: because there was none to be had in time.
    void left(const std::string& name, const void* who, bool in_vain) {
        if (asking_.size() >= kNamesMax) asking_.clear();
        if (in_vain) asking_.try_emplace(name, nullptr);
        const auto found = asking_.find(name);
        if (found != asking_.end() && found->second == who) found->second = nullptr;
    }

private:
    static constexpr std::size_t kNamesMax = 1024;
    std::unordered_map<std::string, const void*> asking_;  // dark names: who asks, or nobody
};

}  // namespace espalier::engine
