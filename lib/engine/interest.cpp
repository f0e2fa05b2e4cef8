#include "engine/interest.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace espalier::engine {

Interest::Interest() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    ESPALIER_CHECK(epoll_);
}

void Interest::want(int fd, std::uint32_t events) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= entries_.size()) entries_.resize(std::max(index + 1, entries_.size() * 2));
    auto& entry = entries_[index];
    entry.wanted = events;
    if (entry.changed) return;
    entry.changed = true;
    changed_.push_back(fd);
}

bool Interest::wants(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return index < entries_.size() && entries_[index].wanted != 0;
}

void Interest::forget(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= entries_.size()) return;
    auto& entry = entries_[index];
    // Closing takes it out of the set. It may still be in changed_, which then does nothing.
    entry.known = false;
    entry.registered = entry.wanted = 0;
}

void Interest::apply() {
    for (const int fd : changed_) apply(fd, entries_[static_cast<std::size_t>(fd)]);
    changed_.clear();
}

void Interest::apply(int fd, Entry& entry) {
    entry.changed = false;
    // What nobody waits for is taken out when, and if, something happens there.
    if (entry.wanted == 0 || (entry.known && entry.wanted == entry.registered)) return;
    epoll_event event{.events = entry.wanted, .data = {.fd = fd}};
    const int action = entry.known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (::epoll_ctl(epoll_.get(), action, fd, &event) != 0) {
        // The number had a descriptor before that was closed, or duplicated, behind our back.
        const int other = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        if (::epoll_ctl(epoll_.get(), other, fd, &event) != 0) return;
    }
    entry.known = true;
    entry.registered = entry.wanted;
}

void Interest::drop(int fd, Entry& entry) {
    epoll_event ignored{};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &ignored);
    entry.known = false;
    entry.registered = 0;
}

std::span<const epoll_event> Interest::wait(base::Deadline deadline) {
    apply();
    const int got = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(kEventsMax),
                                 deadline.poll_timeout());
    const auto happened = std::span(events_).first(static_cast<std::size_t>(std::max(got, 0)));
    // What is no longer wanted would be reported for ever: such a socket is let go.
    const auto unwanted = std::ranges::remove_if(happened, [&](const epoll_event& event) {
        if (wants(event.data.fd)) return false;
        drop(event.data.fd, entries_[static_cast<std::size_t>(event.data.fd)]);
        return true;
    });
    return happened.first(happened.size() - unwanted.size());
}

}  // namespace espalier::engine
