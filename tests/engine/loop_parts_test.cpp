// The small parts that the loop is made of: Interest, Agenda, Inbox.
#include <array>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/agenda.h"
#include "engine/easy.h"
#include "engine/exchange.h"
#include "engine/inbox.h"
#include "engine/interest.h"

using namespace espalier;
using engine::Agenda;
using engine::Inbox;
using engine::Interest;

namespace {

struct Pair {
    Pair() {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
        ours.reset(fds[0]);
        theirs.reset(fds[1]);
    }
    void say(std::string_view bytes) const {
        CHECK(::write(theirs.get(), bytes.data(), bytes.size()) > 0);
    }
    base::Fd ours, theirs;
};

std::size_t happened(Interest& interest) {
    return interest.wait(base::Deadline::after(base::Milliseconds(0))).size();
}

std::shared_ptr<engine::Exchange> letter(const std::shared_ptr<Inbox>& inbox) {
    return std::make_shared<engine::Exchange>(engine::TransferRequest{}, nullptr, inbox);
}

}  // namespace

TEST_CASE("only what is wanted is reported") {
    Interest interest;
    const Pair pair;
    pair.say("x");
    CHECK(happened(interest) == 0);
    interest.want(pair.ours.get(), EPOLLIN);
    CHECK(interest.wants(pair.ours.get()));
    CHECK(happened(interest) == 1);
    interest.want(pair.ours.get(), 0);
    CHECK(happened(interest) == 0);
    interest.want(pair.ours.get(), EPOLLIN | EPOLLOUT);
    const auto events = interest.wait(base::Deadline::never());
    REQUIRE(events.size() == 1);
    CHECK(events[0].events == (EPOLLIN | EPOLLOUT));
}

TEST_CASE("a change that was taken back never reaches the kernel, nor does it do harm") {
    Interest interest;
    const Pair pair;
    pair.say("x");
    interest.want(pair.ours.get(), EPOLLIN);
    interest.want(pair.ours.get(), 0);
    CHECK(happened(interest) == 0);
    interest.want(pair.ours.get(), EPOLLIN);
    CHECK(happened(interest) == 1);
}

TEST_CASE("a broken socket that nobody waits for is let go, and can be taken up again") {
    Interest interest;
    Pair pair;
    interest.want(pair.ours.get(), EPOLLIN);
    CHECK(happened(interest) == 0);
    interest.want(pair.ours.get(), 0);
    pair.theirs.reset();
    CHECK(happened(interest) == 0);
    CHECK(happened(interest) == 0);
    interest.want(pair.ours.get(), EPOLLIN);
    CHECK(happened(interest) == 1);
}

TEST_CASE("a forgotten descriptor's number may come to mean another socket") {
    Interest interest;
    auto first = std::make_unique<Pair>();
    const int number = first->ours.get();
    interest.want(number, EPOLLIN);
    CHECK(happened(interest) == 0);
    interest.forget(number);
    first.reset();
    const Pair second;
    REQUIRE(::dup2(second.ours.get(), number) == number);
    const base::Fd again(number);
    second.say("x");
    interest.want(number, EPOLLIN);
    CHECK(happened(interest) == 1);
}

TEST_CASE("an agenda gives what is due, the earliest first") {
    Agenda<int> agenda;
    int a = 0, b = 0, c = 0;
    const base::Steady::time_point start;
    CHECK(agenda.next() == base::Steady::time_point::max());
    CHECK(agenda.take_due(base::Steady::time_point::max()) == nullptr);
    agenda.add(start + base::Seconds(3), &a);
    agenda.add(start + base::Seconds(1), &b);
    agenda.add(start + base::Seconds(2), &c);
    agenda.remove(start + base::Seconds(2), &c);
    CHECK(agenda.next() == start + base::Seconds(1));
    CHECK(agenda.take_due(start) == nullptr);
    CHECK(agenda.take_due(start + base::Seconds(3)) == &b);
    CHECK(agenda.take_due(start + base::Seconds(3)) == &a);
    CHECK(agenda.take_due(start + base::Seconds(3)) == nullptr);
}

TEST_CASE("a letter wakes a sleeping loop, and only a sleeping one") {
    auto inbox = std::make_shared<Inbox>();
    Interest interest;
    Inbox::Letters letters;
    interest.want(inbox->fd(), EPOLLIN);
    CHECK(letter(inbox)->post());
    CHECK(happened(interest) == 0);
    CHECK_FALSE(inbox->may_sleep());
    inbox->take(letters);
    CHECK(letters.size() == 1);
    letters.clear();
    CHECK(inbox->may_sleep());
    CHECK(letter(inbox)->post());
    CHECK(happened(interest) == 1);
    inbox->drain();
    CHECK(happened(interest) == 0);
    inbox->take(letters);
    CHECK(letters.size() == 1);
}

TEST_CASE("an exchange is in the inbox once, however often it has news") {
    auto inbox = std::make_shared<Inbox>();
    const auto exchange = letter(inbox);
    Inbox::Letters letters;
    exchange->post();
    exchange->pipe_moved();
    exchange->cancel();
    inbox->take(letters);
    CHECK(letters.size() == 1);
    exchange->letter_read();
    exchange->pipe_moved();
    letters.clear();
    inbox->take(letters);
    CHECK(letters.size() == 1);
}

TEST_CASE("a closed inbox takes no letters, but gives out what it has") {
    auto inbox = std::make_shared<Inbox>();
    letter(inbox)->post();
    inbox->close();
    CHECK_FALSE(letter(inbox)->post());
    CHECK_FALSE(inbox->may_sleep());
    CHECK(inbox->is_closed());
    Inbox::Letters letters;
    inbox->take(letters);
    CHECK(letters.size() == 1);
}
