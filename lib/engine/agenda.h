// The Agenda knows when each entry wants to be looked at next; finding what is due costs
// nothing for the entries that are not.
//
// Threads: one.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"

namespace espalier::engine {

template <class Entry>
class Agenda {
public:
    using Time = base::Steady::time_point;

    // Requires: not yet on the agenda for this very time.
    void add(Time when, Entry* entry) { times_.emplace(when, entry); }
    void remove(Time when, Entry* entry) { times_.erase({when, entry}); }
    // The earliest time; max() when empty.
    Time next() const { return times_.empty() ? Time::max() : times_.begin()->first; }
    // Takes off one entry whose time has come; null when there is none.
    Entry* take_due(Time now) {
        if (next() > now || times_.empty()) return nullptr;
        return times_.extract(times_.begin()).value().second;
    }

private:
    std::set<std::pair<Time, Entry*>> times_;
};

}  // namespace espalier::engine
