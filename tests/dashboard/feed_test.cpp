// What open dashboards are told, and when. The test is the mover: it steps the feed itself.
#include "dashboard/feed.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "support/manual_clock.h"

using namespace espalier;
using base::Milliseconds;
using dashboard::Feed;
using dashboard::Operations;
using Json = nlohmann::json;

namespace {

struct Fixture {
    explicit Fixture(std::size_t watchers_max = 10)
        : feed(mover, {.watchers_max = watchers_max}, operations, [this] {
              ++asked;
              return metrics::Condition{
                  .upstreams = {}, .vitals = {}, .now = ++unix_now, .version = "1"};
          }) {}

    std::optional<base::Deadline> step_after(Milliseconds wait) {
        now += wait;
        return feed.step(now);
    }

    test::ManualClock clock;
    Operations operations{clock, 100};
    fanout::Mover mover;
    int asked = 0;
    std::int64_t unix_now = 1000;
    base::Steady::time_point now = base::Steady::now();
    Feed feed;
};

// What a stream gives now, as JSON; null when there is nothing.
Json next(http::Source& stream) {
    const auto piece = stream.next();
    const auto data = piece.bytes.find("data: ");
    if (data == std::string::npos) return nullptr;
    CHECK(piece.bytes.ends_with("\n\n"));
    return Json::parse(piece.bytes.substr(data + 6), nullptr, false);
}

}  // namespace

TEST_CASE("a stream begins with everything and goes on with what is new") {
    Fixture f;
    f.operations.begin("upload", "r1");
    const auto stream = f.feed.open();
    REQUIRE(stream);
    CHECK(next(*stream)["operations"].size() == 1);
    CHECK(next(*stream).is_null());
    f.step_after(Milliseconds{0});
    next(*stream);  // the first event for all tells of everything that nobody was told of
    f.operations.begin("delete", "r2");
    f.step_after(Milliseconds{1000});
    const auto event = next(*stream);
    CHECK(event["version"] == "1");
    REQUIRE(event["operations"].size() == 1);
    CHECK(event["operations"][0]["what"] == "delete");
    f.step_after(Milliseconds{1000});
    CHECK(next(*stream)["operations"].empty());
}

TEST_CASE("an event is made once for all, and rings them") {
    Fixture f;
    std::vector<std::shared_ptr<http::Source>> streams;
    std::vector<std::shared_ptr<base::Bell>> bells;
    for (int i = 0; i < 3; ++i) {
        streams.push_back(f.feed.open());
        bells.push_back(std::make_shared<base::Bell>());
        streams.back()->ring_on_change(bells.back());
        next(*streams.back());
    }
    f.asked = 0;
    f.step_after(Milliseconds{1000});
    CHECK(f.asked == 1);
    for (int i = 0; i < 3; ++i) {
        CHECK(bells[static_cast<std::size_t>(i)]->clear());
        CHECK(next(*streams[static_cast<std::size_t>(i)]).is_object());
    }
}

TEST_CASE("events come once a second, and not faster than the least interval") {
    Fixture f;
    const auto stream = f.feed.open();
    next(*stream);
    CHECK(f.step_after(Milliseconds{0}) == base::Deadline::at(f.now + Milliseconds{1000}));
    CHECK(next(*stream).is_object());
    const auto published = f.now;
    // Rung, soon after: it waits for the least interval.
    CHECK(f.step_after(Milliseconds{100}) == base::Deadline::at(published + Milliseconds{250}));
    CHECK(next(*stream).is_null());
    f.step_after(Milliseconds{150});
    CHECK(next(*stream).is_object());
}

TEST_CASE("while nobody watches, only the timeline is kept") {
    Fixture f;
    CHECK(f.step_after(Milliseconds{0}) == base::Deadline::at(f.now + Milliseconds{5000}));
    CHECK(f.asked == 1);
    f.step_after(Milliseconds{1000});
    CHECK(f.asked == 1);
    f.step_after(Milliseconds{4000});
    CHECK(f.asked == 2);
    CHECK(Json::parse(f.feed.whole(-1), nullptr, false)["timeline"].size() == 1);
}

TEST_CASE("a client that has missed an event is let go, and may come again") {
    Fixture f;
    const auto slow = f.feed.open();
    next(*slow);
    f.step_after(Milliseconds{1000});
    f.step_after(Milliseconds{1000});
    CHECK(slow->next().end);
}

TEST_CASE("there are no more streams than allowed, and one that ends makes room") {
    Fixture f(2);
    auto one = f.feed.open();
    const auto two = f.feed.open();
    CHECK_FALSE(f.feed.open());
    one.reset();
    CHECK(f.feed.open());
}
