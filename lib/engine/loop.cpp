#include "engine/loop.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <curl/curl.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/text.h"
#include "base/thread.h"
#include "engine/easy.h"
#include "engine/outcome.h"

namespace espalier::engine {

using base::Deadline;
using base::Error;
using base::ErrorKind;
using base::Origin;
using base::Steady;

namespace {

constexpr base::Milliseconds kLastGrace{1'000};  // for a delivered exchange to end by itself
constexpr std::size_t kConnectionsStep = 128;
constexpr std::size_t kSalvageBytesMax = 16 * 1024;

// Null for the handles that curl keeps for itself.
Exchange* exchange_of(CURL* easy) {
    void* user = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
    return static_cast<Exchange*>(user);
}

int on_socket(CURL* easy, curl_socket_t fd, int what, void* user, void* /*socket*/) {
    std::uint32_t events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
    auto& group = *static_cast<Group*>(user);
    group.loop->socket_wanted(group, exchange_of(easy), fd, events, what == CURL_POLL_REMOVE);
    return 0;
}

int on_timer(CURLM* /*multi*/, long timeout, void* user) {
    auto& group = *static_cast<Group*>(user);
    group.loop->timer_wanted(group, timeout);
    return 0;
}

Error shutting_down() {
    return {.kind = ErrorKind::shutting_down, .reason = "the gateway is shutting down"};
}

}  // namespace

Loop::Loop(const Engine::Options& options) : options_(options) {
    ESPALIER_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);  // counted by curl
    thread_ = base::start_thread("engine", [this](const std::stop_token&) { run(); });
}

Loop::~Loop() {
    shut_down();
    thread_.join();
    curl_global_cleanup();
}

Engine::Snapshot Loop::snapshot() const {
    return {.transfers = transfers_.load(std::memory_order_relaxed),
            .started = begun_.load(std::memory_order_relaxed),
            .finished = finished_.load(std::memory_order_relaxed),
            .waiting = waiting_.load(std::memory_order_relaxed),
            .turned_away = turned_away_.load(std::memory_order_relaxed),
            .connections_opened = connections_opened_.load(std::memory_order_relaxed)};
}

// curl is touched by this thread only; in every build, because a breach shows up much later.
void Loop::check_thread() const {
    ESPALIER_CHECK(std::this_thread::get_id() == owner_);
}

void Loop::run() {
    owner_ = std::this_thread::get_id();
    for (auto& group : groups_) open(group);
    interest_.want(inbox_->fd(), EPOLLIN);
    while (!inbox_->is_closed()) turn();
    end_all();
    idle_.clear();
    for (auto& group : groups_) curl_multi_cleanup(group.multi);
}

void Loop::open(Group& group) {
    group.loop = this;
    group.multi = curl_multi_init();
    ESPALIER_CHECK(group.multi != nullptr);
    curl_multi_setopt(group.multi, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(group.multi, CURLMOPT_SOCKETDATA, &group);
    curl_multi_setopt(group.multi, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(group.multi, CURLMOPT_TIMERDATA, &group);
    make_room(group);
}

// curl's limit counts connections in use, too: above it every request would connect anew. So it
// goes up and down with them, in steps.
void Loop::make_room(Group& group) const {
    const auto steps = (group.transfers + kConnectionsStep - 1) / kConnectionsStep;
    const auto limit = steps * kConnectionsStep + 1 + options_.connections_max / kGroups;
    if (std::exchange(group.connections_max, limit) == limit) return;
    curl_multi_setopt(group.multi, CURLMOPT_MAXCONNECTS, static_cast<long>(limit));
}

void Loop::turn() {
    const auto events = interest_.wait(patience());
    now_ = Steady::now();
    read_inbox();
    act_on_sockets(events);
    act_on_timers();
    reap();
    look_at_due();
    look_at_touched();
    ring();
}

Deadline Loop::patience() {
    if (!inbox_->may_sleep()) return Deadline::at(now_);
    auto first = Deadline::at(agenda_.next());
    for (const auto& group : groups_) first = std::min(first, group.timer);
    return first;
}

void Loop::read_inbox() {
    inbox_->take(letters_);
    for (const auto& exchange : letters_) {
        exchange->letter_read();
        if (exchange->desk.easy) {
            read_letter(*exchange);
        } else if (exchange->desk.waiting) {
            if (auto reason = exchange->reason_to_cut()) refuse(*exchange, std::move(*reason));
        } else if (!exchange->over()) {
            begin(exchange);
        }
    }
    letters_.clear();
}

void Loop::read_letter(Exchange& exchange) {
    if (auto reason = exchange.reason_to_cut()) return cut(exchange, std::move(*reason));
    if (!exchange.lift_pauses()) return;
    exchange.desk.last_progress = now_;
    check_thread();
    exchange.desk.easy->pause(exchange.pauses());
}

void Loop::begin(const std::shared_ptr<Exchange>& exchange) {
    exchange->begin(touched_);
    if (auto reason = exchange->reason_to_cut()) return exchange->finish(std::move(reason));
    const auto entry = lanes_.enter(exchange);
    if (entry == Lanes::Entry::begins) return launch(exchange);
    if (entry == Lanes::Entry::refused) return exchange->finish(too_many_already(*exchange));
    exchange->desk.waiting = true;
    waiting_.fetch_add(1, std::memory_order_relaxed);
    exchange->desk.due = exchange->request().deadline.when();
    agenda_.add(exchange->desk.due, exchange.get());
}

// Our own limit, not the upstream's fault.
Error Loop::too_many_already(const Exchange& exchange) {
    turned_away_.fetch_add(1, std::memory_order_relaxed);
    return {.kind = ErrorKind::throttled,
            .reason = base::text(exchange.upstream(), " has as much to do for us as it may have"),
            .retryable = true};
}

// Ends one that waits in its lane.
void Loop::refuse(Exchange& exchange, Error error) {
    agenda_.remove(exchange.desk.due, &exchange);
    lanes_.give_up(exchange);
    exchange.desk.waiting = false;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    exchange.finish(std::move(error));
}

void Loop::launch(const std::shared_ptr<Exchange>& exchange) {
    begun_.fetch_add(1, std::memory_order_relaxed);
    transfers_.fetch_add(1, std::memory_order_relaxed);
    auto& desk = exchange->desk;
    desk.loop = this;
    desk.index = under_way_.size();
    desk.last_progress = now_;
    under_way_.push_back(exchange);
    if (idle_.empty()) {
        desk.easy = std::make_unique<Easy>();
    } else {
        desk.easy = std::move(idle_.back());
        idle_.pop_back();
    }
    watch(*exchange);
    join_rates(*exchange);
    start_hop(*exchange);
}

void Loop::start_hop(Exchange& exchange) {
    check_thread();
    auto& easy = *exchange.desk.easy;
    easy.prepare(exchange, *this, options_);
    auto& group = groups_[std::hash<std::string>{}(exchange.url().authority()) % kGroups];
    exchange.desk.group = &group;
    ++group.transfers;
    make_room(group);
    ESPALIER_CHECK(curl_multi_add_handle(group.multi, easy.handle()) == CURLM_OK);
}

void Loop::leave_group(Exchange& exchange) {
    auto& group = *exchange.desk.group;
    curl_multi_remove_handle(group.multi, exchange.desk.easy->handle());
    --group.transfers;
    make_room(group);
}

void Loop::cut(Exchange& exchange, Error error) {
    const auto& request = exchange.request();
    const bool delivered =
        exchange.complete() &&
        (!exchange.has_upload() || exchange.desk.easy->bytes_uploaded() == *request.upload_bytes);
    if (!delivered) return end(exchange, exchange.verdict(std::move(error)));
    // It ends by itself within this turn or the next, and its connection stays warm.
    agenda_.remove(exchange.desk.due, &exchange);
    exchange.desk.due = now_ + kLastGrace;
    exchange.desk.last_grace = true;
    agenda_.add(exchange.desk.due, &exchange);
}

void Loop::end(Exchange& exchange, std::optional<Error> error) {
    check_thread();
    auto& desk = exchange.desk;
    if (!exchange.has_upload()) exchange.set_bytes_sent(desk.easy->bytes_uploaded());
    leave_group(exchange);
    leave_rates(exchange);
    give_back(std::move(desk.easy));
    agenda_.remove(desk.due, &exchange);
    if (std::exchange(desk.resolving, false)) {
        const bool in_vain =
            error && (error->kind == ErrorKind::refused || error->kind == ErrorKind::timeout);
        dark_names_.left(exchange.name_to_resolve(), &exchange, in_vain);
    }
    if (desk.upload_socket >= 0) sending_over_.erase(desk.upload_socket);
    exchange.finish(std::move(error));
    finished_.fetch_add(1, std::memory_order_relaxed);
    transfers_.fetch_sub(1, std::memory_order_relaxed);
    const auto index = desk.index;
    under_way_.back()->desk.index = index;
    std::swap(under_way_[index], under_way_.back());
    under_way_.pop_back();  // it lives on in touched_ until it has been rung for
    const auto next = lanes_.leave(exchange);
    if (!next) return;
    next->desk.waiting = false;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    agenda_.remove(next->desk.due, next.get());
    launch(next);
}

void Loop::give_back(std::unique_ptr<Easy> easy) {
    if (idle_.size() >= options_.idle_handles_max) return;
    easy->clear();
    idle_.push_back(std::move(easy));
}

void Loop::end_all() {
    read_inbox();
    for (const auto& exchange : lanes_.all_waiting()) refuse(*exchange, shutting_down());
    while (!under_way_.empty()) {
        auto& exchange = *under_way_.back();
        end(exchange, exchange.verdict(shutting_down()));
    }
    ring();
}

void Loop::act_on_sockets(std::span<const epoll_event> events) {
    for (const auto& event : events) {
        if (event.data.fd == inbox_->fd()) {
            inbox_->drain();
        } else if (interest_.wants(event.data.fd)) {  // it may have been closed by an earlier one
            act_on_socket(event.data.fd, event.events);
        }
    }
}

void Loop::act_on_socket(int fd, std::uint32_t events) {
    check_thread();
    // After a hang-up or an error curl is to read first: an answer may be lying there.
    const bool broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
    const int action = (broken || (events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                       (broken || (events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
    int running = 0;
    curl_multi_socket_action(sockets_[static_cast<std::size_t>(fd)].group->multi, fd, action,
                             &running);
}

void Loop::act_on_timers() {
    check_thread();
    int running = 0;
    for (auto& group : groups_) {
        if (!group.timer.passed(now_)) continue;
        group.timer = Deadline::never();
        curl_multi_socket_action(group.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

void Loop::reap() {
    int left = 0;
    for (auto& group : groups_) {
        if (group.transfers == 0) continue;
        while (const auto* message = curl_multi_info_read(group.multi, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            settle(*exchange_of(message->easy_handle), message->data.result);
        }
    }
}

void Loop::settle(Exchange& exchange, int curl_code) {
    auto& easy = *exchange.desk.easy;
    if (!exchange.redirecting())
        return end(exchange, exchange.verdict(error_of(curl_code, exchange.upstream(),
                                                       easy.detail(), exchange.began())));
    if (auto aimed = exchange.follow(); !aimed) return end(exchange, std::move(aimed).error());
    leave_group(exchange);
    easy.clear();
    start_hop(exchange);
}

void Loop::look_at_touched() {
    for (std::size_t i = 0; i < touched_.size(); ++i) {  // it grows meanwhile
        const auto exchange = touched_[i];
        if (!exchange->desk.easy || !exchange->wants_end()) continue;
        auto raw = error_of(CURLE_PARTIAL_FILE, exchange->upstream(), "", true);
        end(*exchange, exchange->verdict(std::move(raw)));
    }
}

void Loop::ring() {
    for (const auto& exchange : touched_) exchange->ring();
    touched_.clear();
}

bool Loop::may_resolve(Exchange& exchange) {
    exchange.desk.resolving = dark_names_.may_ask(exchange.name_to_resolve(), &exchange);
    return exchange.desk.resolving;
}

void Loop::resolved(Exchange& exchange) {
    if (!std::exchange(exchange.desk.resolving, false)) return;
    dark_names_.resolved(exchange.name_to_resolve());
}

void Loop::socket_opened(int fd) {
    connections_opened_.fetch_add(1, std::memory_order_relaxed);
    const auto index = static_cast<std::size_t>(fd);
    if (index >= sockets_.size()) sockets_.resize(index + 1);
    sockets_[index] = {.group = nullptr, .is_connection = true};
    interest_.forget(fd);
}

void Loop::socket_closing(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index < sockets_.size()) sockets_[index] = {};
    interest_.forget(fd);
    const auto found = sending_over_.find(fd);
    if (found == sending_over_.end()) return;
    auto& exchange = *found->second;
    sending_over_.erase(found);
    exchange.desk.upload_socket = -1;  // the number may be another's in a moment
    exchange.connection_closed();
    // When a send fails, curl closes without reading what the upstream said before it left.
    if (exchange.url().scheme() != "http" || exchange.head_started()) return;
    std::array<char, kSalvageBytesMax> left{};
    const auto got = ::recv(fd, left.data(), left.size(), MSG_DONTWAIT);
    if (got > 0) exchange.salvage({left.data(), static_cast<std::size_t>(got)});
}

void Loop::socket_wanted(Group& group, Exchange* exchange, int fd, std::uint32_t events,
                         bool gone) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= sockets_.size()) sockets_.resize(index + 1);
    sockets_[index].group = &group;
    interest_.want(fd, events);
    if (!sockets_[index].is_connection) {
        // The resolver's, which will be closed without a word.
        if (gone) interest_.forget(fd);
        return;
    }
    if (exchange == nullptr || !exchange->has_upload()) return;
    exchange->receiving((events & EPOLLIN) != 0);
    auto& socket = exchange->desk.upload_socket;
    if (socket == fd) return;
    if (socket >= 0) sending_over_.erase(socket);
    socket = fd;
    sending_over_[fd] = exchange;
}

void Loop::timer_wanted(Group& group, long timeout) const {
    group.timer = timeout < 0 ? Deadline::never() : Deadline::after(base::Milliseconds(timeout));
}

}  // namespace espalier::engine
