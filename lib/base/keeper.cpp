#include "base/keeper.h"

#include <algorithm>

#include "base/check.h"
#include "base/thread.h"

namespace espalier::base {

void Keeper::every(Milliseconds interval, std::string name, Chore chore) {
    ESPALIER_CHECK(!thread_.joinable() && interval.count() > 0);
    chores_.push_back({interval, std::move(name), std::move(chore), {}});
}

void Keeper::start() {
    ESPALIER_CHECK(!thread_.joinable());
    for (auto& entry : chores_) entry.next = Steady::now() + entry.interval;
    thread_ = start_thread("keeper", [this](const std::stop_token& stopping) { run(stopping); });
}

void Keeper::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    wake_.ring();
    thread_.join();
}

void Keeper::run(const std::stop_token& stopping) {
    while (!stopping.stop_requested()) {
        auto next = Steady::time_point::max();
        for (auto& entry : chores_) {
            if (Steady::now() >= entry.next) {
                entry.chore();
                entry.next = Steady::now() + entry.interval;
            }
            next = std::min(next, entry.next);
        }
        wake_.wait(Deadline::at(next));
    }
}

}  // namespace espalier::base
