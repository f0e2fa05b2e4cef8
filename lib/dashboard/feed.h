// The Feed tells open dashboards what is new: server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html) of what /stats says.
//
// The first event of a stream is a whole snapshot. Each later one has all figures, but of the
// operations and of the timeline only what is new. An event is written once for all who watch, on
// the mover: once a second, sooner when an operation has changed. A client that is too slow for
// that is let go, and comes again by itself.
//
// Threads: step() by the mover; open() and whole() by any; the Sources by the pusher.
// Limits: `watchers_max` streams.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dashboard/operations.h"
#include "dashboard/timeline.h"
#include "fanout/mover.h"
#include "http/reply.h"
#include "metrics/condition.h"

namespace espalier::dashboard {

class Feed : public fanout::Job {
public:
    struct Options {
        base::Milliseconds interval{1'000};
        base::Milliseconds interval_min{250};  // between two events, however much happens
        std::size_t watchers_max = 1'000;
    };

    // What is referred to outlives the Feed; `condition` may be called from any thread.
    Feed(fanout::Mover& mover, const Options& options, const Operations& operations,
         std::function<metrics::Condition()> condition);

    // A stream for one more dashboard; nothing when there are too many.
    std::shared_ptr<http::Source> open();
    // A whole snapshot; `indent` as in stats_json().
    std::string whole(int indent) const;

    std::optional<base::Deadline> step(base::Steady::time_point now) override;

private:
    class Stream;
    struct Audience;

    void sample(base::Steady::time_point now, const metrics::Condition& condition);
    void publish(base::Steady::time_point now, const metrics::Condition& condition);

    const Options options_;
    const Operations& operations_;
    const std::function<metrics::Condition()> condition_;
    Timeline timeline_;
    const std::shared_ptr<Audience> audience_;  // the streams may outlive the Feed
    // The mover's.
    base::Steady::time_point next_sample_{}, published_{};
    std::uint64_t version_ = 0;     // of the operations that were told of
    std::int64_t last_sample_ = 0;  // likewise
};

}  // namespace espalier::dashboard
