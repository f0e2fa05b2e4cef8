#include "dashboard/feed.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "base/text.h"
#include "dashboard/snapshot.h"

namespace espalier::dashboard {

using base::Deadline;
using base::Steady;

namespace {

std::string event_of(const std::string& json) {
    return base::text("data: ", json, "\n\n");
}

}  // namespace

// Those who watch, and what they were told last.
struct Feed::Audience {
    struct State {
        std::uint64_t number = 0;  // of the event
        std::shared_ptr<const std::string> event;
        std::map<std::uint64_t, std::shared_ptr<base::Bell>> bells;  // by the streams' ids
        std::uint64_t last_id = 0;
    };
    std::atomic<std::size_t> watchers{0};
    base::Guarded<State> state;
};

class Feed::Stream : public http::Source {
public:
    // `first` was written after event `number`, or before the next one.
    Stream(std::shared_ptr<Audience> audience, std::uint64_t number, std::string first)
        : audience_(std::move(audience)),
          id_(audience_->state.with([](auto& state) { return ++state.last_id; })),
          seen_(number),
          first_(std::move(first)) {}
    ~Stream() override {
        audience_->state.with([this](auto& state) { state.bells.erase(id_); });
        --audience_->watchers;
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    Piece next() override {
        if (!first_.empty()) return {.bytes = std::exchange(first_, {})};
        const auto [number, event] = audience_->state.with(
            [](const auto& state) { return std::pair(state.number, state.event); });
        if (number == seen_) return {};
        // What was new in the events that were missed is lost: it begins anew.
        if (number != ++seen_) return {.bytes = {}, .end = true};
        return {.bytes = *event};
    }

    void ring_on_change(std::shared_ptr<base::Bell> bell) override {
        audience_->state.with([&](auto& state) { state.bells[id_] = std::move(bell); });
    }

private:
    const std::shared_ptr<Audience> audience_;
    const std::uint64_t id_;
    std::uint64_t seen_;
    std::string first_;
};

Feed::Feed(fanout::Mover& mover, const Options& options, const Operations& operations,
           std::function<metrics::Condition()> condition)
    : Job(mover),
      options_(options),
      operations_(operations),
      condition_(std::move(condition)),
      audience_(std::make_shared<Audience>()) {}

std::string Feed::whole(int indent) const {
    return snapshot_json(condition_(), operations_.since(0), timeline_.samples(), indent);
}

std::shared_ptr<http::Source> Feed::open() {
    if (++audience_->watchers > options_.watchers_max) {
        --audience_->watchers;
        return nullptr;
    }
    const auto number = audience_->state.with([](const auto& state) { return state.number; });
    const auto stream = std::make_shared<Stream>(audience_, number,
                                                 base::text("retry: 1000\n", event_of(whole(-1))));
    bell()->ring();
    return stream;
}

std::optional<Deadline> Feed::step(Steady::time_point now) {
    const bool watched = audience_->watchers > 0;
    const bool may_publish = watched && now >= published_ + options_.interval_min;
    const bool is_time = now >= next_sample_;
    if (may_publish || is_time) {
        const auto condition = condition_();
        if (is_time) sample(now, condition);
        if (may_publish) publish(now, condition);
    }
    if (!watched) return Deadline::at(next_sample_);
    const auto next = published_ + (may_publish ? options_.interval : options_.interval_min);
    return Deadline::at(std::min(next, next_sample_));
}

void Feed::sample(Steady::time_point now, const metrics::Condition& condition) {
    timeline_.read(condition.now, reading_of(condition.requests, condition.upstreams));
    next_sample_ = now + Timeline::kInterval;
}

void Feed::publish(Steady::time_point now, const metrics::Condition& condition) {
    const auto operations = operations_.since(version_);
    const auto samples = timeline_.samples(last_sample_);
    for (const auto& one : operations) version_ = std::max(version_, one.version);
    if (!samples.empty()) last_sample_ = samples.back().at;
    const auto event = std::make_shared<const std::string>(
        event_of(snapshot_json(condition, operations, samples, -1)));
    published_ = now;
    const auto bells = audience_->state.with([&](auto& state) {
        ++state.number;
        state.event = event;
        return state.bells;
    });
    for (const auto& [id, bell] : bells) bell->ring();
}

}  // namespace espalier::dashboard
